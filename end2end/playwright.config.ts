import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

/** The system's Chromium if installed, else Playwright's own. */
const CHROMIUM = process.env.CHROMIUM ?? ["/usr/bin/chromium"].find(existsSync);

export default defineConfig({
  testDir: "tests",
  globalSetup: "./backends.ts",
  outputDir: "results",
  fullyParallel: true,
  forbidOnly: true,
  retries: 0,
  workers: 2,
  timeout: 45_000,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    headless: true,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: CHROMIUM,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
