// The account pages: typed input, other devices, and signals to the device's passkey provider.

import AxeBuilder from "@axe-core/playwright";
import type { Browser, Page } from "@playwright/test";
import {
  Authenticator,
  requestSignInEmail,
  waitForHydration,
  call,
  expect,
  freshName,
  linkInEmail,
  emailTo,
  signOut,
  signUp,
  signUpConfirmed,
  test,
  disableSuggestions, createPasskey, passkeysOf, removePasskey, expectPasskeys, signUpByEmail } from "../fixtures";
import { Server } from "../server";

/** Another device of the user, signed in by email. */
async function signInByEmail(browser: Browser, baseURL: string | undefined, page: Page, name: string, count: number): Promise<Page> {
  const other = await (await browser.newContext({ baseURL })).newPage();
  await requestSignInEmail(other, name);
  const { link } = await emailTo(page, `${name}@example.org`, count);
  await other.goto(link);
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other.getByRole("heading", { name: `Hello, ${name}` })).toBeVisible();
  await waitForHydration(other);
  return other;
}

test("refused input is shown again next to its error", async ({ page, expectRefusal }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  expectRefusal(422);
  await page.goto("/account/profile");
  await page.getByLabel("Change your username").click();
  await page.getByLabel("Username", { exact: true }).fill("not a name");
  await page.getByRole("button", { name: "Save username" }).click();
  const field = page.getByLabel("Username", { exact: true });
  await expect(field).toBeVisible();
  await expect(field).toHaveValue("not a name");
  await expect(field).toBeFocused();
  await expect(field).toHaveAccessibleDescription(/3 to 32 letters/);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await field.fill(`${name}.new`);
  await page.getByRole("button", { name: "Save username" }).click();
  await expect(page.getByText("Name saved.")).toBeVisible();
});

test("after a username change the device shows the new one", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await page.goto("/account/profile");
  await page.getByLabel("Change your username").click();
  await page.getByLabel("Username", { exact: true }).fill(`${name}-x`);
  await page.getByRole("button", { name: "Save username" }).click();
  await expect(page.getByText("Name saved.")).toBeVisible();
  await expect.poll(() => authenticator.names()).toEqual([[`${name}-x`, name]]);
});

test("a session ended by another device is reported on the open page, which keeps the typed text", async ({
  page,
  browser,
  baseURL,
  expectRefusal,
}) => {
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const other = await signInByEmail(browser, baseURL, page, name, 2);
  await disableSuggestions(page);
  await page.goto("/account/profile");
  await waitForHydration(page);
  await page.getByLabel("Change your name").click();
  await page.getByLabel("Name", { exact: true }).fill("Typed before it ended");
  await other.goto("/account/devices");
  await other.getByText("Sign out all other devices").click();
  await other.getByRole("button", { name: "Sign them out" }).click();
  await expect(other.getByText("You're still signed in here.")).toBeVisible();

  expectRefusal(401);
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await expect(page.getByText("You've been signed out.")).toBeVisible();
  await page.getByRole("button", { name: "Save name" }).first().click();
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await expect(page.getByText("You're signed out. Please sign in.")).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await waitForHydration(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByText("Check your entry and save it again.")).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Typed before it ended");
  await page.getByRole("button", { name: "Save name" }).first().click();
  await expect(page.getByText("Name saved.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Profile" })).toContainText("Typed before it ended");
  expect(await authenticator.passkeys()).toBe(1);
  await other.context().close();
});

test("sessions are ended one by one, and those of a removed passkey together", async ({ page, browser, baseURL }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const phone = await signInByEmail(browser, baseURL, page, name, 2);
  await Authenticator.attach(phone);
  await createPasskey(phone);
  await expectPasskeys(phone, 2);
  await signOut(phone);
  await disableSuggestions(phone);
  await phone.goto("/sign-in");
  await waitForHydration(phone);
  await phone.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(phone).toHaveURL(/\/account$/);
  const tablet = await signInByEmail(browser, baseURL, page, name, 3);

  await page.goto("/account/devices");
  const sessions = page.getByRole("region", { name: "Devices" });
  await expect(sessions.getByRole("listitem")).toHaveCount(3);
  await sessions.getByRole("listitem").filter({ hasText: "Signed in by email" }).getByRole("button", { name: /^Sign out/ }).click();
  await expect(sessions.getByRole("listitem")).toHaveCount(2);
  expect((await tablet.request.get("/api/session")).status()).toBe(401);

  await page.goto("/account/passkeys");
  await removePasskey(passkeysOf(page).last());
  await expect(page.getByText("One device is still signed in with this passkey.")).toBeVisible();
  expect((await phone.request.get("/api/session")).status()).toBe(200);
  await page.getByRole("button", { name: "Sign it out" }).click();
  await expect(page.getByText("You're still signed in here.")).toBeVisible();
  await page.goto("/account/devices");
  await expect(sessions.getByRole("listitem")).toHaveCount(1);
  expect((await phone.request.get("/api/session")).status()).toBe(401);
  await phone.context().close();
  await tablet.context().close();
});

test("a passkey that the server no longer knows disappears from the device at sign-in", async ({ page, expectRefusal }) => {
  const authenticator = await Authenticator.attach(page);
  // Without a confirmed address, the last passkey could not be removed.
  await signUpConfirmed(page, freshName());
  await disableSuggestions(page);
  const { passkeys } = await (await page.request.get("/api/passkeys")).json();
  expect((await call(page, "/api/passkeys/remove", { id: passkeys[0].id })).status).toBe(200);
  expect((await call(page, "/api/sign-out", {})).status).toBe(200);
  expect(await authenticator.passkeys(), "the device has not been signalled yet").toBe(1);
  await page.goto("/sign-in");
  await waitForHydration(page);
  expectRefusal(401);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "This passkey was removed from its account." })).toBeVisible();
  await expect.poll(() => authenticator.passkeys()).toBe(0);
});

test("a refused registration leaves no passkey on the device", async ({ page, browser, baseURL, expectRefusal }) => {
  const name = freshName();
  const authenticator = await Authenticator.attach(page);
  await page.goto("/sign-up");
  await waitForHydration(page);
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Email").fill(`${name}@example.org`);
  // Another user takes the name between the two steps.
  const quicker = await (await browser.newContext({ baseURL })).newPage();
  await Authenticator.attach(quicker);
  await page.route("**/api/sign-up/finish", async (route) => {
    await signUp(quicker, name);
    await route.continue();
  });
  expectRefusal(409);
  expectRefusal(409);
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  await expect(page.getByText("This username is taken.")).toBeVisible();
  await expect(page.getByLabel("Username")).toHaveValue(name);
  await expect.poll(() => authenticator.passkeys()).toBe(0);
  await quicker.context().close();
});

test("a passkey that was removed on another device disappears from this one after sign-in", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  await page.goto("/account/passkeys");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  const key = await Authenticator.attach(page, { transport: "usb" });
  await createPasskey(page, "Use a security key");
  await expectPasskeys(page, 2);
  const [, added] = (await (await page.request.get("/api/passkeys")).json()).passkeys;
  expect((await call(page, "/api/passkeys/remove", { id: added.id })).status).toBe(200);
  expect(await key.passkeys(), "the security key has not been signalled yet").toBe(1);
  await signOut(page);
  await disableSuggestions(page);
  await page.goto("/sign-in");
  await waitForHydration(page);
  await key.setUserPresent(false);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page).toHaveURL(/\/account$/);
  await expect.poll(() => key.passkeys()).toBe(0);
  expect(await authenticator.passkeys()).toBe(1);
});

test("activity is shown page by page, newest first", async ({ page }) => {
  await Authenticator.attach(page);
  await signUp(page, freshName());
  const { passkeys } = await (await page.request.get("/api/passkeys")).json();
  for (let number = 0; number < 60; number += 1) {
    expect((await call(page, "/api/passkeys/rename", { id: passkeys[0].id, name: `Key ${number}` })).status).toBe(200);
  }
  await page.getByRole("link", { name: "Show all activity" }).click();
  const activity = page.getByRole("region", { name: "Activity" });
  await expect(activity.getByRole("listitem")).toHaveCount(50);
  await expect(activity.getByRole("listitem").first()).toContainText("Key 58 → Key 59");
  await activity.getByRole("link", { name: "Older activity" }).click();
  await expect(activity.getByRole("listitem").last()).toContainText("Signed up");
  await expect(activity.getByRole("link", { name: "Older activity" })).toHaveCount(0);
});

test("without a passkey, an email confirms the identity: by code, by another email, or by its link in another tab", async ({
  page,
  context,
  expectRefusal,
}) => {
  const name = freshName();
  await page.goto("/sign-up");
  await waitForHydration(page);
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Email").fill(`${name}@example.org`);
  await page.getByRole("button", { name: "Sign up by email instead" }).click();
  const { link } = await emailTo(page, `${name}@example.org`);
  await page.goto(link);
  await page.getByRole("button", { name: "Create account" }).first().click();
  await expect(page.getByRole("heading", { name: `Hello, ${name}` })).toBeVisible();
  await page.getByRole("navigation", { name: "Account" }).getByRole("link", { name: "Recovery codes" }).click();
  await page.getByRole("button", { name: "Get recovery codes" }).click();
  const codes = (await page.getByLabel("Recovery codes").inputValue()).trim().split("\n");
  await page.goto("/account");
  await signOut(page);
  // A recovery-code session may not make sensitive changes, and the account has no passkey, so an email is required.
  await page.goto("/sign-in?step=recovery");
  await page.getByLabel("Username or email").fill(name);
  await page.getByLabel("Recovery code").fill(codes[0]);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${name}` })).toBeVisible();
  await page.goto("/account/profile");
  await page.getByLabel("Change your email address").click();
  await page.getByRole("textbox", { name: "Email" }).fill(`new-${name}@example.org`);
  await page.getByRole("button", { name: "Send confirmation email" }).click();
  await expect(page.getByText("We've emailed you a link and a code.")).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  const { code } = await emailTo(page, `${name}@example.org`, 2);
  expectRefusal(401);
  await page.getByLabel("Code", { exact: true }).fill(code === "000000" ? "000001" : "000000");
  await expect(page.getByText("This code is wrong.")).toBeVisible();
  await page.getByRole("button", { name: "Resend email" }).click();
  const { link: second } = await emailTo(page, `${name}@example.org`, 3);
  const tab = await context.newPage();
  await tab.goto(second);
  await tab.getByRole("button", { name: "Yes, it's me" }).first().click();
  await expect(tab.getByText("Identity confirmed.")).toBeVisible();
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByText("We've emailed you a link and a code to confirm your address.")).toBeVisible();
  // The code in that email is entered on the page, while the current address stays confirmed.
  await expect(page.getByText(`new-${name}@example.org`).first()).toBeVisible();
  const { code: proof } = await emailTo(page, `new-${name}@example.org`);
  await page.getByLabel("Code", { exact: true }).fill(proof);
  await expect(page.getByRole("listitem").filter({ hasText: `new-${name}@example.org` })).toContainText("Confirmed");
});

test("passkeys of the site's other address are shown as such", async ({ page, server }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const moved = await Server.start("embedded", { HOST: "moved.localhost", DATA_DIR: server.folder });
  try {
    await page.goto(`${moved.origin}/sign-in`);
    await waitForHydration(page);
    await page.getByLabel("Username or email").fill(name);
    await page.getByRole("button", { name: "Email me a sign-in link" }).click();
    await expect(page.getByRole("heading", { name: "Check your email" })).toBeVisible();
    // Fetched by the page: only browsers resolve such a host.
    const links = () =>
      page.evaluate(async () => {
        const emails: { text: string }[] = await (await fetch("/dev/mailbox.json")).json();
        return emails.flatMap(({ text }) => text.match(/\/email\/link\?token=\S+/) ?? []);
      });
    await expect.poll(links).toHaveLength(1);
    await page.goto(`${moved.origin}${(await links())[0]}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByTestId("passkeys")).toHaveText("None");
    await page.goto(`${moved.origin}/account/passkeys`);
    await expect(page.getByText("Other site", { exact: true })).toBeVisible();
    await expect(page.getByTestId("only-sign-in-method")).toContainText("Email is your only sign-in method");
  } finally {
    await moved.stop();
  }
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds no violations, and nothing is cut off, on the account pages (${scheme})`, async ({ page, browser, baseURL }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width: 360, height: 740 });
    const expectAccessible = async (where: string) => {
      expect((await new AxeBuilder({ page }).analyze()).violations, where).toEqual([]);
      // AAA for text; the line above checks controls, accents and errors for AA.
      const text = new AxeBuilder({ page }).withRules(["color-contrast-enhanced"]).exclude("a").exclude("button").exclude("summary");
      expect((await text.exclude(".error").exclude(".alert").analyze()).violations, `${where}: contrast of text`).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), where).toBeLessThanOrEqual(360);
    };
    for (const path of ["/", "/sign-in", "/sign-up"]) {
      await page.goto(path);
      await expectAccessible(path);
    }
    await Authenticator.attach(page);
    const name = freshName();
    await signUpConfirmed(page, name);
    const other = await signInByEmail(browser, baseURL, page, name, 2);
    await Authenticator.attach(other);
    await createPasskey(other);
    await page.goto("/account/passkeys");
    await expect(page.getByText("Added after a sign-in by email or with an administrator's link.")).toBeVisible();
    for (const section of ["/account/passkeys", "/account/profile", "/account/devices", "/account/data"]) {
      await page.goto(section);
      for (const summary of await page.locator("summary").all()) await summary.click();
      await expectAccessible(`${section} with everything expanded`);
    }
    await page.goto("/account/passkeys?step=add");
    await expectAccessible("adding a passkey");
    await page.goto("/account/recovery-codes");
    await page.getByRole("button", { name: /recovery codes/ }).click();
    await expectAccessible("recovery codes");
    await other.context().close();
    const link = await linkInEmail(page, `${name}@example.org`, "A passkey was added to your account", "/not-me");
    await page.goto(link);
    await expectAccessible("not me");
    await page.getByRole("button", { name: "Secure my account" }).click();
    await expectAccessible("not me, done");
    await page.goto("/sign-in?step=recovery");
    await expectAccessible("recovery");
  });
}

test.describe("with scripts off", () => {
  test.use({ javaScriptEnabled: false });

  test("the account page shows everything and says what needs scripts", async ({ page }) => {
    const name = freshName();
    await signUpByEmail(page, name);
    await expect(page.getByRole("heading", { name: `Hello, ${name}` })).toBeVisible();
    await expect(page.locator("noscript p").first()).toContainText("needs JavaScript");
    const menu = page.getByRole("navigation", { name: "Account" });
    for (const part of ["Passkeys", "Devices", "Activity", "Your data", "Profile", "Recovery codes"]) {
      await menu.getByRole("link", { name: part }).click();
      await expect(page.getByRole("region", { name: part })).toBeVisible();
    }
    await page.getByRole("button", { name: "Get recovery codes" }).click();
    await expect(page.getByLabel("Recovery codes", { exact: true })).toBeVisible();
    await page.goto("/account/profile");
    await page.getByLabel("Change your name").click();
    await page.getByLabel("Name", { exact: true }).fill("No Scripts");
    await page.getByRole("button", { name: "Save name" }).first().click();
    await expect(page.getByRole("region", { name: "Profile" })).toContainText("No Scripts");
    const notMe = await linkInEmail(page, `${name}@example.org`, "New recovery codes were created", "/not-me");
    await page.goto(notMe);
    await page.getByRole("button", { name: "Secure my account" }).click();
    await expect(page.getByRole("heading", { name: "Your account is secured." })).toBeVisible();
  });
});

test.describe("with limits and scripts off", () => {
  test.use({ settings: { RATE_LIMITS: "on" }, javaScriptEnabled: false });

  test("a refusal of the whole form is visible, and the text stays", async ({ page, expectRefusal }) => {
    expectRefusal(429);
    const alert = page.getByRole("alert").filter({ hasText: "Too many attempts." });
    for (let number = 0; number < 11; number += 1) {
      await page.goto("/sign-in");
      await page.getByLabel("Username or email").fill(`unknown${number}`);
      await page.getByRole("button", { name: "Email me a sign-in link" }).click();
      if (await alert.isVisible()) break;
      await expect(page.getByRole("heading", { name: "Check your email" })).toBeVisible();
    }
    await expect(alert).toBeFocused();
    await expect(page.getByText(/^Try again in /)).toBeVisible();
    await expect(page.getByLabel("Username or email")).toHaveValue(/^unknown\d+$/);
  });
});

test.describe("with limits", () => {
  test.use({ settings: { RATE_LIMITS: "on" } });

  test("the page says how long to wait, and counts down", async ({ page, expectRefusal }) => {
    await Authenticator.attach(page);
    await disableSuggestions(page);
    await page.goto("/sign-in");
    await waitForHydration(page);
    for (let number = 0; number < 30; number += 1) await call(page, "/api/sign-in/start");
    expectRefusal(429);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "Too many attempts." })).toBeVisible();
    await expect(page).toHaveTitle(/^Error: Sign in · /);
    const countdown = page.getByText(/^Try again in \d+ s\.$/);
    await expect(countdown).toBeVisible();
    const first = await countdown.textContent();
    await expect(countdown).not.toHaveText(first ?? "");
    await expect(page.getByText("You can try again now.")).toBeVisible({ timeout: 15_000 });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  });
});
