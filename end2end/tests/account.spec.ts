import AxeBuilder from "@axe-core/playwright";
import { Authenticator, askForEmail, awake, expect, freshName, emailTo, signUpConfirmed, test } from "../fixtures";

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

    const sessions = other.getByRole("region", { name: "Devices" });
    await expect(sessions.getByRole("listitem")).toHaveCount(2);
    await expect(sessions.getByRole("listitem").first()).toContainText("This device");
    const passkeys = other.getByRole("region", { name: "Passkeys" });
    await passkeys.getByText("Rename").click();
    await passkeys.getByLabel("New name").fill("My blue phone");
    await passkeys.getByRole("button", { name: "Save name" }).click();
    await expect(other.getByText("Passkey renamed.")).toBeVisible();
    await expect(passkeys.getByText("My blue phone")).toBeVisible();

    await sessions.getByText("Sign out all other devices").click();
    await sessions.getByRole("button", { name: "Sign them out" }).click();
    await expect(sessions.getByRole("listitem")).toHaveCount(1);
    const session = await page.request.get("/api/session");
    expect(session.status(), "the first browser is signed out").toBe(401);
    await context.close();
  });
}

test("an account page with several sessions is clean and fits narrow phones", async ({ page, browser, baseURL }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const context = await browser.newContext({ baseURL });
  const other = await context.newPage();
  await askForEmail(other, name);
  const { link } = await emailTo(page, `${name}@example.org`, 2);
  await other.goto(link);
  await other.getByRole("button", { name: "Sign in" }).click();
  await awake(other);
  for (const width of [320, 360]) {
    await other.setViewportSize({ width, height: 740 });
    expect(await other.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    for (const target of await other.locator("button:visible, summary:visible, nav a:visible").all()) {
      expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    }
  }
  expect((await new AxeBuilder({ page: other }).analyze()).violations).toEqual([]);
  await context.close();
});
