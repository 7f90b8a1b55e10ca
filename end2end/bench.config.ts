import { defineConfig } from "@playwright/test";
import tests from "./playwright.config";

// One test at a time, so that only the page is measured; with the back/forward cache on, as in users' browsers.
export default defineConfig({
  ...tests,
  globalSetup: undefined,
  testDir: "bench",
  fullyParallel: false,
  workers: 1,
  timeout: 300_000,
  use: {
    ...tests.use,
    trace: "off",
    launchOptions: { ...tests.use?.launchOptions, ignoreDefaultArgs: ["--disable-back-forward-cache"] },
  },
});
