import { defineConfig } from "@playwright/test";
import tests from "./playwright.config";

// One at a time, so that nothing but the page is measured; pages may be kept for going back, as browsers of people do.
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
