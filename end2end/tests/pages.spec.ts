import AxeBuilder from "@axe-core/playwright";
import { Authenticator, expect, freshName, signUp, test } from "../fixtures";

const OPEN = ["/", "/sign-up", "/sign-in", "/nothing"];

for (const scheme of ["light", "dark"] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });

    test("axe finds nothing on any page", async ({ page, expectRefusal }) => {
      expectRefusal(404);
      await Authenticator.attach(page);
      for (const path of OPEN) {
        await page.goto(path);
        expect((await new AxeBuilder({ page }).analyze()).violations, path).toEqual([]);
      }
      await signUp(page, freshName());
      expect((await new AxeBuilder({ page }).analyze()).violations, "/account").toEqual([]);
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
      for (const target of await page.locator("button:visible, a.button:visible, nav a:visible").all()) {
        expect((await target.boundingBox())?.height, path).toBeGreaterThanOrEqual(44);
      }
    }
  }
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

test("another loopback name leads to the public one", async ({ page, server }) => {
  await page.goto(server.origin.replace("localhost", "127.0.0.1") + "/sign-in");
  expect(page.url()).toBe(`${server.origin}/sign-in`);
});

for (const [path, kibibytes] of [
  ["/sign-in", 120],
  ["/sign-up", 120],
  ["/", 16],
] as const) {
  test(`${path} loads at most ${kibibytes} KiB, everything counted as it is sent`, async ({ page }) => {
    const sizes: Promise<number>[] = [];
    page.on("requestfinished", (request) => sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize)));
    await page.goto(path);
    await page.waitForLoadState("networkidle");
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeGreaterThan(4096);
    expect(bytes).toBeLessThanOrEqual(kibibytes * 1024);
  });
}
