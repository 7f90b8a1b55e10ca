// Pages under unusual conditions of display: large text, forced colours, narrow screens, no scripts.

import type { Locator } from "@playwright/test";
import { Authenticator, emailTo, expect, freshName, requestSignInEmail, sections, signUpConfirmed, test, signUpByEmail } from "../fixtures";

test("at twice the text size, nothing is cut off", async ({ page }) => {
  const fits = async (path: string) => {
    for (const width of [360, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(path);
      await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${path} at ${width} px`).toBeLessThanOrEqual(0);
    }
  };
  for (const path of ["/", "/sign-in", "/sign-up", "/sign-in?step=recovery"]) await fits(path);
  await Authenticator.attach(page);
  await signUpConfirmed(page, freshName());
  for (const path of [...(await sections(page)), "/account/passkeys?step=add", "/apps"]) await fits(path);
});

test("on a desktop, the sections are beside their content, and actions on the line of their row", async ({ page }) => {
  await Authenticator.attach(page);
  await signUpConfirmed(page, freshName());
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto("/account/passkeys");
  const box = async (part: Locator) => (await part.boundingBox())!;
  const [menu, heading, brand] = await Promise.all([box(page.locator(".menu")), box(page.locator("h1")), box(page.locator(".brand"))]);
  expect(menu.x + menu.width).toBeLessThan(heading.x);
  expect(Math.abs(menu.x - brand.x)).toBeLessThanOrEqual(1);
  const row = page.getByRole("listitem").filter({ hasText: "Chrome on Linux" });
  const [name, rename, remove] = await Promise.all([box(row.locator("strong")), box(row.getByLabel("Rename Chrome on Linux")), box(row.getByLabel("Remove Chrome on Linux"))]);
  expect(rename.y).toBe(remove.y);
  expect(rename.x).toBeGreaterThan(name.x + name.width);
  expect(remove.height).toBeGreaterThanOrEqual(44);
  await page.setViewportSize({ width: 1023, height: 800 });
  expect((await box(page.locator(".menu"))).y).toBeLessThan((await box(page.locator("h1"))).y);
  await page.goto("/account");
  const activity = page.getByRole("region", { name: "Recent activity" });
  expect(await activity.getByRole("listitem").count()).toBeLessThanOrEqual(5);
  await activity.getByRole("link", { name: "Show all activity" }).click();
  await expect(page).toHaveURL(/\/account\/activity$/);
  await expect(page.locator("body > header nav [aria-current]")).toHaveText("Account");
  await page.goto("/account/profile");
  await page.getByLabel("Change your name").click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveAttribute("autocapitalize", "words");
});

test("with forced colours, the primary button differs from the secondary one", async ({ page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await page.goto("/sign-in");
  const ground = (button: Locator) => button.evaluate((element) => getComputedStyle(element).backgroundColor);
  const primary = await ground(page.getByRole("button", { name: "Sign in with a passkey" }));
  expect(primary).not.toBe(await ground(page.getByRole("button", { name: "Email me a sign-in link" })));
  expect(primary).not.toBe(await ground(page.locator("html")));
});

test("the menu of the sections shows the current one on a phone, and all of them on a tablet", async ({ page }) => {
  await Authenticator.attach(page);
  await signUpConfirmed(page, freshName());
  for (const path of await sections(page)) {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(path);
    const current = (await page.locator(".menu [aria-current]").boundingBox())!;
    // The menu fades out in the margin of 20 px.
    expect(current.x, path).toBeGreaterThanOrEqual(19);
    expect(current.x + current.width, path).toBeLessThanOrEqual(341);
    await page.setViewportSize({ width: 768, height: 740 });
    expect(await page.locator(".menu").evaluate((menu) => menu.scrollWidth - menu.clientWidth), path).toBeLessThanOrEqual(0);
  }
});

for (const locale of ["en", "de"]) {
  test.describe(locale, () => {
    test.use({ locale });

    test("at 360 px, the navigation is one line beside the site's name", async ({ page }) => {
      await page.setViewportSize({ width: 360, height: 740 });
      const expectOneLine = async () => {
        const boxes = await Promise.all(
          (await page.locator(".brand, body > header nav a, body > header nav button").all()).map((item) => item.boundingBox()),
        );
        expect(boxes.length).toBeGreaterThan(2);
        expect(new Set(boxes.map((box) => Math.round(box!.y + box!.height / 2))).size).toBe(1);
        expect(Math.max(...boxes.map((box) => box!.x + box!.width))).toBeLessThanOrEqual(360);
      };
      await page.goto("/sign-in");
      await expectOneLine();
      await page.context().clearCookies();
      const name = freshName();
      await page.goto("/sign-up");
      await page.locator("#username").fill(name);
      await page.locator("#email").fill(`${name}@example.org`);
      await page.locator("button[value=email]").click();
      const { link } = await emailTo(page, `${name}@example.org`);
      await page.goto(link);
      await page.locator("main button[type=submit]").first().click();
      await expect(page).toHaveURL(/\/account/);
      await expectOneLine();
    });
  });
}

test("the development mailbox shows a new email without a reload", async ({ page, context }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  await page.goto("/dev/mailbox");
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link")).toHaveText(["Apps", "Account"]);
  expect(await page.locator(".emails time").first().textContent()).toMatch(/^today, \d{1,2}:\d\d/);
  const first = page.locator(".emails li").first();
  await expect(first).not.toContainText("Sign in to");
  const other = await context.browser()!.newContext({ baseURL: new URL(page.url()).origin });
  await requestSignInEmail(await other.newPage(), name);
  await expect(first).toContainText("Sign in to");
  await other.close();
});

test.describe("with scripts off", () => {
  test.use({ javaScriptEnabled: false });

  test("no button is shown that needs scripts", async ({ page }) => {
    const name = freshName();
    await signUpByEmail(page, name);
    await page.goto("/account/recovery-codes");
    await page.getByRole("button", { name: "Get recovery codes" }).click();
    await expect(page.getByRole("link", { name: "Download" })).toBeVisible();
    for (const button of ["Copy", "Print"]) await expect(page.getByRole("button", { name: button })).toBeHidden();
  });

  test("signing in by email is the main action, and nothing is reserved for passkeys", async ({ page }) => {
    await page.goto("/sign-in");
    const email = page.getByRole("button", { name: "Email me a sign-in link" });
    await expect(email).toBeVisible();
    await expect(page.getByRole("button", { name: "Sign in with a passkey" })).toBeHidden();
    await expect(page.getByLabel("Keep me signed in")).toBeHidden();
    const style = (target: Locator) => target.evaluate((element) => getComputedStyle(element).backgroundColor);
    await page.goto("/");
    const primary = await style(page.locator("main a.button").first());
    await page.goto("/sign-in");
    expect(await style(email)).toBe(primary);
    const boxes = await Promise.all([page.locator("h1"), page.locator("noscript p"), page.getByLabel("Username or email"), email].map((part) => part.boundingBox()));
    for (const [index, box] of boxes.entries()) {
      if (index === 0) continue;
      const gap = box!.y - (boxes[index - 1]!.y + boxes[index - 1]!.height);
      expect(gap, `above part ${index}`).toBeGreaterThanOrEqual(8);
      expect(gap, `above part ${index}`).toBeLessThan(104);
    }
  });
});
