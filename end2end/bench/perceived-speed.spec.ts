// Perceived speed: Chromium at a quarter of its speed, 1.6 Mbit/s, 150 ms latency, an empty cache; medians of five.

import type { Browser, BrowserContext, Page } from "@playwright/test";
import { Authenticator, freshName, signUp, test } from "../fixtures";
import { type Row, median, report } from "./report";

const RUNS = 5;

declare global {
  interface Window {
    perceived: { dialog?: number; shift: number };
  }
}

/** Records when the passkey dialog is requested, and the layout shift. */
function watch(): void {
  window.perceived = { shift: 0 };
  const get = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = (options) => {
    if (options?.mediation !== "conditional") window.perceived.dialog ??= performance.now();
    return get(options);
  };
  // Before hydration, the form would be sent to the server.
  window.addEventListener("submit", (event) => event.preventDefault());
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
      if (!entry.hadRecentInput) window.perceived.shift += entry.value;
    }
  }).observe({ type: "layout-shift", buffered: true });
}

async function slow(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 150,
    downloadThroughput: (1.6 * 1024 * 1024) / 8,
    uploadThroughput: (0.75 * 1024 * 1024) / 8,
  });
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
}

async function fresh(browser: Browser, origin: string): Promise<[BrowserContext, Page]> {
  const context = await browser.newContext({ baseURL: origin });
  // Autofill would use the passkey before the button is pressed.
  await context.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
  await context.addInitScript(watch);
  return [context, await context.newPage()];
}

const paint = (page: Page) =>
  page.evaluate(async () => {
    for (;;) {
      const [entry] = performance.getEntriesByName("first-contentful-paint");
      if (entry) return { at: entry.startTime, since: performance.timeOrigin + entry.startTime };
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

/** Presses the button repeatedly, like a user in a hurry, until the dialog is requested. */
const pressUntilAsked = (page: Page) =>
  page.evaluate(async () => {
    const began = performance.now();
    while (window.perceived.dialog === undefined) {
      [...document.querySelectorAll("button")].find(({ textContent }) => textContent?.includes("passkey"))?.click();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { at: window.perceived.dialog, took: window.perceived.dialog - began };
  });

test("the sign-in page on a slow device, from an empty cache to the account", async ({ browser, server }) => {
  const seen: Record<string, number[]> = {};
  const note = (what: string, millis: number) => (seen[what] ??= []).push(millis);
  for (let run = 0; run < RUNS; run += 1) {
    const [context, page] = await fresh(browser, server.origin);
    // The passkey is created at full speed, then the cache is cleared.
    await Authenticator.attach(page);
    await signUpAt(context, page);
    await slow(page);

    await page.goto("/sign-in", { waitUntil: "commit" });
    note("first paint of the sign-in page", (await paint(page)).at);
    note("the sign-in button answers", (await pressUntilAsked(page)).at);
    await page.waitForURL("**/account");
    await page.waitForLoadState("networkidle");

    await signedOut(page);
    await page.goto("/sign-in");
    await page.waitForLoadState("networkidle");
    await page.waitForTimeout(500);
    const pressed = await page.evaluate(() => performance.timeOrigin + performance.now());
    const asked = await pressUntilAsked(page);
    note("from the press to the system's dialog", asked.took);
    await page.waitForURL("**/account");
    note("from the press to the account page", (await paint(page)).since - pressed);
    await context.close();
  }
  report("perceived speed", Object.entries(seen).map(([what, all]) => ({ what, columns: { "median ms": Math.round(median(all)), "all ms": all.map(Math.round).join(" ") } })));
});

async function signUpAt(context: BrowserContext, page: Page): Promise<void> {
  await signUp(page, freshName());
  await signedOut(page);
  const session = await context.newCDPSession(page);
  await session.send("Network.clearBrowserCache");
}

async function signedOut(page: Page): Promise<void> {
  await page.context().clearCookies();
}

/** "yes" if the browser keeps the page in its back/forward cache, else the reasons why not. */
async function whyNotKept(page: Page, path: string): Promise<string> {
  await page.goto(path);
  await page.waitForLoadState("networkidle");
  const session = await page.context().newCDPSession(page);
  await session.send("Page.enable");
  const reasons: string[] = [];
  let restored = false;
  session.on("Page.frameNavigated", ({ type }) => {
    restored ||= type === "BackForwardCacheRestore";
  });
  session.on("Page.backForwardCacheNotUsed", ({ notRestoredExplanations }) => {
    reasons.push(...notRestoredExplanations.map(({ reason }) => reason));
  });
  const left = path === "/" ? "/sign-up" : "/";
  await page.evaluate((to) => location.assign(to), left);
  await page.waitForTimeout(1_000);
  await session.send("Runtime.evaluate", { expression: "history.back()" });
  await page.waitForTimeout(1_000);
  await session.detach();
  return restored ? "yes" : `no: ${reasons.join(" ")}`;
}

test("the layout does not shift, and going back is instant", async ({ browser, server }) => {
  const [context, page] = await fresh(browser, server.origin);
  const rows: Row[] = [];
  const look = async (page: Page, path: string) => {
    await page.goto(path);
    await page.waitForLoadState("networkidle");
    await page.waitForTimeout(700);
    return page.evaluate(() => window.perceived.shift);
  };
  const shifts: Record<string, number> = {};
  for (const path of ["/", "/sign-in", "/sign-up"]) shifts[path] = await look(page, path);
  const kept: Record<string, string> = {};
  for (const path of ["/", "/sign-in", "/sign-up"]) kept[path] = await whyNotKept(page, path);
  const own = await context.newPage();
  await Authenticator.attach(own);
  await signUp(own, freshName());
  shifts["/account"] = await look(own, "/account");
  kept["/account"] = await whyNotKept(own, "/account");
  for (const path of Object.keys(shifts)) rows.push({ what: path, columns: { "layout shift": shifts[path], "kept for going back": kept[path] } });
  report("steadiness", rows);
  await context.close();
});
