import AxeBuilder from "@axe-core/playwright";
import { BUDGETS, bytesOf, total } from "../bytes";
import { Authenticator, emailTo, expect, freshName, requestSignInEmail, sections, signUp, signUpConfirmed, test, waitForHydration } from "../fixtures";
import { IS_RELEASE } from "../server";

const OPEN = ["/", "/sign-up", "/sign-in", "/nothing"];

for (const scheme of ["light", "dark"] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });

    test("axe finds no violations on any page", async ({ page, expectRefusal }) => {
      expectRefusal(404);
      await Authenticator.attach(page);
      for (const path of OPEN) {
        await page.goto(path);
        expect((await new AxeBuilder({ page }).analyze()).violations, path).toEqual([]);
      }
      await signUp(page, freshName());
      for (const path of [...(await sections(page)), "/apps"]) {
        await page.goto(path);
        expect((await new AxeBuilder({ page }).analyze()).violations, path).toEqual([]);
      }
    });
  });
}

test("nothing is cut off at 320 and 360 px, and targets are large enough", async ({ page, expectRefusal }) => {
  expectRefusal(404);
  expectRefusal(404);
  await Authenticator.attach(page);
  for (const width of [320, 360]) {
    await page.setViewportSize({ width, height: 740 });
    for (const path of OPEN) {
      await page.goto(path);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(width);
      for (const target of await page.locator("button:visible:not([aria-hidden]), a.button:visible, nav a:visible").all()) {
        expect((await target.boundingBox())?.height, path).toBeGreaterThanOrEqual(44);
      }
    }
  }
});

test("the site's files are read-only", async ({ page, server }) => {
  for (const [path, status] of [["/openapi.json", 405], ["/favicon.svg", 405], ["/nothing.json", 404]] as const) {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await page.request.fetch(path, { method, headers: { origin: server.origin } });
      expect(answer.status(), `${method} ${path}`).toBe(status);
    }
  }
});

test("the longest names widen no page", async ({ page }) => {
  await Authenticator.attach(page);
  const username = `${"w".repeat(40)}${freshName()}`.slice(-32);
  await signUpConfirmed(page, username);
  await page.goto("/account/profile");
  await page.getByLabel("Change your name").click();
  await page.getByLabel("Name", { exact: true }).fill("W".repeat(64));
  await page.getByRole("button", { name: "Save name" }).first().click();
  await expect(page.getByText("Name saved.")).toBeVisible();
  await page.goto("/account/passkeys");
  await page.getByText("Rename", { exact: true }).click();
  await page.getByLabel("New name").fill("W".repeat(64));
  await page.getByRole("region", { name: "Passkeys" }).getByRole("button", { name: "Save name" }).click();
  await expect(page.getByText("Passkey renamed.")).toBeVisible();
  const owner = await page.context().browser()!.newPage({ baseURL: new URL(page.url()).origin });
  await requestSignInEmail(owner, username);
  const { link } = await emailTo(page, `${username}@example.org`, 2);
  for (const width of [320, 360, 768, 1280]) {
    await page.setViewportSize({ width, height: 740 });
    for (const path of ["/account", "/account/profile", "/account/passkeys", "/account?step=ready", "/account/passkeys?step=add"]) {
      await page.goto(path);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), `${path} at ${width}`).toBeLessThanOrEqual(width);
    }
    await owner.setViewportSize({ width, height: 740 });
    await owner.goto(link);
    await expect(owner.getByRole("button", { name: "Sign in", exact: true })).toBeVisible();
    expect(await owner.evaluate(() => document.documentElement.scrollWidth), `the link at ${width}`).toBeLessThanOrEqual(width);
  }
  await owner.context().close();
});

test.describe("in Tokyo", () => {
  test.use({ locale: "en-GB", timezoneId: "Asia/Tokyo" });

  test("times are shown in the user's language and time zone, recent ones relative to today", async ({ page }) => {
    await Authenticator.attach(page);
    await signUp(page, freshName());
    await page.goto("/account/activity");
    const time = page.locator("main time").first();
    const moment = new Date((await time.getAttribute("datetime"))!);
    const hour = (locale: string) => moment.toLocaleTimeString(locale, { timeStyle: "short", timeZone: "Asia/Tokyo" });
    await expect(time).toHaveText(`today, ${hour("en-GB")}`);
    await page.clock.setFixedTime(moment.getTime() + 24 * 3_600_000);
    await page.reload();
    await expect(time).toHaveText(`yesterday, ${hour("en-GB")}`);
    await page.clock.setFixedTime(moment.getTime() + 10 * 24 * 3_600_000);
    await page.reload();
    const day = moment.toLocaleDateString("en-GB", { dateStyle: "medium", timeZone: "Asia/Tokyo" });
    await expect(time).toHaveText(`${day}, ${hour("en-GB")}`);
    await page.clock.setFixedTime(moment);
    await page.getByRole("button", { name: "Deutsch" }).click();
    await expect(time).toHaveText(`heute, ${hour("de")}`);
  });
});

test.describe("with scripts off", () => {
  test.use({ javaScriptEnabled: false });

  test("every page shows its content and says what needs scripts", async ({ page, expectRefusal }) => {
    expectRefusal(404);
    await page.goto("/");
    await expect(page.getByRole("link", { name: "Sign up" }).first()).toBeVisible();
    for (const path of ["/sign-up", "/sign-in"]) {
      await page.goto(path);
      await expect(page.locator("noscript p")).toContainText("Passkeys need JavaScript.");
      await expect(page.locator("noscript p")).toBeVisible();
    }
    await page.goto("/account");
    await expect(page).toHaveURL(/\/sign-in\?next=\/account$/);
    await page.goto("/nothing");
    await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
  });
});

test("another loopback name redirects to the public one", async ({ page, server }) => {
  await page.goto(server.origin.replace("localhost", "127.0.0.1") + "/sign-in");
  expect(page.url()).toBe(`${server.origin}/sign-in`);
});

// The budgets are for the release: the files of a debug build are neither optimised nor compressed.
for (const [path, kibibytes] of Object.entries(IS_RELEASE ? BUDGETS : {})) {
  test(`${path} loads at most ${kibibytes} KiB in total, as transferred`, async ({ page }) => {
    await page.goto("/");
    if (["/account", "/apps"].includes(path)) {
      await Authenticator.attach(page);
      await signUp(page, freshName());
    }
    const bytes = await bytesOf(page, path);
    expect(bytes.html).toBeGreaterThan(1024);
    // A page without interactive elements loads no WebAssembly.
    expect(bytes.wasm > 0).toBe(!["/", "/apps"].includes(path));
    expect(total(bytes)).toBeLessThanOrEqual(kibibytes * 1024);
  });
}

test("the layout does not shift on any page", async ({ page }) => {
  await page.addInitScript(() => {
    const moved: number[] = [];
    const note = (entries: PerformanceEntryList) => {
      for (const entry of entries as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!entry.hadRecentInput) moved.push(entry.value);
      }
    };
    const observer = new PerformanceObserver((list) => note(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    (window as unknown as { moved: () => number[] }).moved = () => {
      note(observer.takeRecords());
      return moved;
    };
  });
  const expectNoShift = async (path: string) => {
    await page.goto(path);
    await waitForHydration(page);
    expect(await page.evaluate(() => (window as unknown as { moved: () => number[] }).moved()), path).toEqual([]);
  };
  for (const path of ["/", "/sign-in", "/sign-up"]) await expectNoShift(path);
  await Authenticator.attach(page);
  await signUp(page, freshName());
  for (const path of [...(await sections(page)), "/apps"]) await expectNoShift(path);
});

test("pages use view transitions, unless the user prefers reduced motion", async ({ page }) => {
  await page.goto("/");
  const rules = () =>
    page.evaluate(() =>
      [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).map(({ cssText }) => cssText.replace(/\s+/g, " ")),
    );
  expect((await rules()).filter((rule) => rule.includes("view-transition"))).toEqual([
    "@view-transition { navigation: auto; }",
    "@media (prefers-reduced-motion: reduce) { @view-transition { navigation: none; } }",
  ]);
});
