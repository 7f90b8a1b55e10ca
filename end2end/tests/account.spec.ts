import AxeBuilder from "@axe-core/playwright";
import { Authenticator, requestSignInEmail, waitForHydration, expect, freshName, emailTo, signUpConfirmed, test } from "../fixtures";

for (const scriptsOff of [false, true]) {
  test(`sessions are ended and passkeys renamed, with scripts ${scriptsOff ? "off" : "on"}`, async ({ page, browser, baseURL }) => {
    await Authenticator.attach(page);
    const name = freshName();
    await signUpConfirmed(page, name);

    const context = await browser.newContext({ baseURL, javaScriptEnabled: !scriptsOff });
    const other = await context.newPage();
    await other.goto("/sign-in");
    await other.getByLabel("Username or email").fill(name);
    await other.getByRole("button", { name: "Email me a sign-in link" }).click();
    const { link } = await emailTo(page, `${name}@example.org`, 2);
    await other.goto(link);
    await other.getByRole("button", { name: "Sign in" }).click();

    await other.goto("/account/passkeys");
    const passkeys = other.getByRole("region", { name: "Passkeys" });
    await passkeys.getByText("Rename", { exact: true }).click();
    await passkeys.getByLabel("New name").fill("My blue phone");
    await passkeys.getByRole("button", { name: "Save name" }).click();
    await expect(other.getByText("Passkey renamed.")).toBeVisible();
    await expect(passkeys.getByText("My blue phone")).toBeVisible();

    await other.getByRole("navigation", { name: "Account" }).getByRole("link", { name: "Devices" }).click();
    const sessions = other.getByRole("region", { name: "Devices" });
    await expect(sessions.getByRole("listitem")).toHaveCount(2);
    await expect(sessions.getByRole("listitem").first()).toContainText("This device");
    await sessions.getByText("Sign out all other devices").click();
    await sessions.getByRole("button", { name: "Sign them out" }).click();
    await expect(sessions.getByRole("listitem")).toHaveCount(1);
    const session = await page.request.get("/api/session");
    expect(session.status(), "the first browser is signed out").toBe(401);
    await context.close();
  });
}

test("every account section with several devices passes axe and fits narrow phones", async ({ page, browser, baseURL }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const context = await browser.newContext({ baseURL });
  const other = await context.newPage();
  await requestSignInEmail(other, name);
  const { link } = await emailTo(page, `${name}@example.org`, 2);
  await other.goto(link);
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other).toHaveURL(/\/account$/);
  const sections = await other.getByRole("navigation", { name: "Account" }).getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")!));
  expect(sections).toHaveLength(7);
  for (const section of sections) {
    await other.goto(section);
    await expect(other.locator(".menu [aria-current=page]")).toHaveAttribute("href", section);
    for (const width of [320, 360, 768, 1024, 1280]) {
      await other.setViewportSize({ width, height: 740 });
      expect(await other.evaluate(() => document.documentElement.scrollWidth), section).toBeLessThanOrEqual(width);
      for (const target of await other.locator("button:visible, summary:visible, nav a:visible").all()) {
        expect((await target.boundingBox())?.height, section).toBeGreaterThanOrEqual(44);
      }
    }
    expect((await new AxeBuilder({ page: other }).analyze()).violations, section).toEqual([]);
  }
  await context.close();
});
