import AxeBuilder from "@axe-core/playwright";
import { Authenticator, requestSignInEmail, waitForHydration, expect, freshName, linkInEmail, emailTo, signOut, signUp, signUpConfirmed, test, createPasskey, passkeysOf, removePasskey, expectPasskeys, signInWithPasskey } from "../fixtures";
import { readFileSync } from "node:fs";
import type { Browser, Page } from "@playwright/test";

/** Another device of the same user, signed in by email. */
async function otherDevice(browser: Browser, baseURL: string | undefined, page: Page, name: string): Promise<Page> {
  const context = await browser.newContext({ baseURL });
  const other = await context.newPage();
  await requestSignInEmail(other, name);
  const { link } = await emailTo(page, `${name}@example.org`, 2);
  await other.goto(link);
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other.getByRole("heading", { name: `Hello, ${name}` })).toBeVisible();
  await waitForHydration(other);
  return other;
}

test("an action that needs a passkey leads to a confirmation and continues with the typed text", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  await signOut(page);
  await authenticator.setUserPresent(false);
  await requestSignInEmail(page, name);
  const { link } = await emailTo(page, `${name}@example.org`, 2);
  await page.goto(link);
  await page.getByRole("button", { name: "Sign in" }).click();

  await authenticator.setUserPresent(true);
  await page.goto("/account/profile");
  await page.getByLabel("Change your email address").click();
  await page.getByRole("textbox", { name: "Email" }).fill(`new-${name}@example.org`);
  await page.getByRole("button", { name: "Send confirmation email" }).click();
  await expect(page.getByRole("heading", { name: "Confirm it's you" })).toBeVisible();
  await expect(page).toHaveURL(/\/confirm\?continue=/);
  await expect(page.getByText("To change your email address, confirm it's you.")).toBeVisible();
  await expect(page.getByText(`You entered: new-${name}@example.org`)).toBeVisible();
  await expect(page.getByText("Can't use your passkey?")).toBeVisible();
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page).toHaveURL(/\/account\/profile$/);
  await page.goBack();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await waitForHydration(page);
  await authenticator.setUserVerified(false);
  await page.getByRole("button", { name: "Confirm with a passkey" }).click();
  await expect(page.getByText("No passkey was used.")).toBeVisible();
  await authenticator.setUserVerified(true);
  await page.getByRole("button", { name: "Confirm with a passkey" }).click();
  await expect(page.getByText("We've emailed you a link and a code to confirm your address.")).toBeVisible();
  const { link: proof } = await emailTo(page, `new-${name}@example.org`);
  await page.goto(proof);
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: `new-${name}@example.org` })).toContainText("Confirmed");

  const undo = await linkInEmail(page, `${name}@example.org`, "Your email address was changed", "/email/undo");
  await page.goto(undo);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.getByRole("button", { name: "Restore this address" }).click();
  await expect(page.getByRole("heading", { name: "Your email address is restored." })).toBeVisible();
  expect((await page.request.get("/api/session")).status()).toBe(401);
});

test("a removed passkey disappears from the device, and the last one stays", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await page.goto("/account/passkeys");
  await expect(page.getByTestId("only-sign-in-method")).toContainText("only sign-in method");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByRole("heading", { name: "Add a passkey" })).toBeVisible();
  // The device already has a passkey, so the second one is created on a security key.
  const key = await Authenticator.attach(page, { transport: "usb" });
  await createPasskey(page, "Use a security key");
  await expectPasskeys(page, 2);
  await expect.poll(() => key.passkeys()).toBe(1);
  await removePasskey(passkeysOf(page).last());
  await expect(page.getByText("Passkey removed.").first()).toBeVisible();
  await expect(passkeysOf(page)).toHaveCount(1);
  await expect.poll(() => key.passkeys(), "the signal reaches the key").toBe(0);
  expect(await authenticator.passkeys(), "the other one stays").toBe(1);
  const last = passkeysOf(page).first();
  await last.locator("summary", { hasText: "Remove" }).click();
  await expect(last.getByText("You can't remove your only sign-in method. Add another passkey first.")).toBeVisible();
  await expect(last.getByRole("button", { name: "Remove passkey" })).toHaveCount(0);
});

test("after a name change the device shows the new one", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await page.goto("/account/profile");
  await page.getByLabel("Change your name").click();
  await page.getByLabel("Name", { exact: true }).fill("Ada Lovelace");
  await page.getByRole("button", { name: "Save name" }).first().click();
  await expect(page.getByRole("region", { name: "Profile" })).toContainText("Ada Lovelace");
  await expect.poll(() => authenticator.names()).toEqual([[name, "Ada Lovelace"]]);
});

test("a passkey is added on this device or on a security key, from one card", async ({ page }) => {
  await Authenticator.attach(page);
  await signUp(page, freshName());
  await page.goto("/account/passkeys?step=add");
  await expect(page.getByRole("heading", { name: "Add a passkey" })).toHaveCount(1);
  const creates = page.getByRole("button", { name: /passkey|device|security key/i });
  await expect(creates).toHaveText(["Use this device or a phone", "Use a security key"]);
  const card = page.getByRole("region", { name: "Add a passkey" });
  await expect(card.getByRole("button")).toHaveCount(2);
});

test("a confirmation link that was used before says that the address is confirmed", async ({ page }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const { link } = await emailTo(page, `${name}@example.org`);
  await page.goto(link);
  await expect(page).toHaveURL(/\/account\/profile$/);
  await expect(page.getByText("Your confirmed address is shown below.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Profile" })).toContainText(`${name}@example.org`);
  await expect(page.getByRole("alert").filter({ visible: true })).toHaveCount(0);
});

test.describe("if email only recovers accounts", () => {
  test.use({ settings: { EMAIL_SIGN_IN: "recovery-only" } });

  test("a session by email creates a passkey, and a button leads to signing in with it", async ({ page, browser, baseURL }) => {
    await Authenticator.attach(page);
    const name = freshName();
    await signUpConfirmed(page, name);
    const other = await otherDevice(browser, baseURL, page, name);
    await Authenticator.attach(other);
    await expect(other.getByText("Email sign-in only lets you create a passkey.")).toBeVisible();
    await other.getByRole("button", { name: "Create a passkey" }).click();
    await other.getByRole("button", { name: "Sign in with your passkey" }).click();
    await expect(other).toHaveURL(/\/sign-in/);
    await signInWithPasskey(other);
    await expect(other.getByRole("navigation", { name: "Account" })).toBeVisible();
    await other.context().close();
  });
});

test("recovery codes are shown once, and one leads straight to a new passkey", async ({ page, browser, baseURL }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await page.getByRole("link", { name: "Get recovery codes" }).click();
  await page.getByRole("button", { name: "Get recovery codes" }).click();
  const codes = (await page.getByLabel("Recovery codes", { exact: true }).inputValue()).trim().split("\n");
  expect(new Set(codes).size).toBe(10);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await waitForHydration(page);
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Copied" })).toBeAttached();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect((await page.evaluate(() => navigator.clipboard.readText())).trim().split("\n")).toEqual(codes);
  await expect(page.getByRole("button", { name: "Print" })).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("latchkey-recovery-codes.txt");
  const text = readFileSync(await file.path(), "utf8");
  for (const fact of ["Latchkey, http://localhost", `Recovery codes for ${name}, created `, ...codes]) expect(text).toContain(fact);
  // In print: the codes and what they belong to, without the rest of the page.
  await page.emulateMedia({ media: "print" });
  await expect(page.getByText(`Recovery codes for ${name}, created `)).toBeVisible();
  await expect(page.getByRole("link", { name: "Download" })).toBeHidden();
  await expect(page.getByRole("navigation")).toBeHidden();
  const printed = (await page.pdf({ format: "A4" })).toString("latin1");
  expect(printed.match(/\/Type\s*\/Page\b/g), "one page").toHaveLength(1);
  await page.emulateMedia({ media: null });
  // Reloading creates no new codes, which would void these.
  await page.reload();
  await expect(page.locator("textarea")).toHaveCount(0);
  await expect(page.getByText("Recovery codes are shown only once.")).toBeVisible();
  await page.goto("/account/recovery-codes");
  await expect(page.getByTestId("recovery-codes")).toContainText("10 codes left");
  // Replacing them asks first.
  const replace = page.getByRole("button", { name: "Replace codes" });
  await expect(replace).toBeHidden();
  await page.locator("summary", { hasText: "Replace codes" }).click();
  await expect(page.getByText("You'll get ten new codes, and the old ones will stop working.")).toBeVisible();
  await expect(replace).toBeVisible();

  const context = await browser.newContext({ baseURL, javaScriptEnabled: true });
  const other = await context.newPage();
  const device = await Authenticator.attach(other);
  await other.goto("/sign-in?step=recovery");
  expect((await new AxeBuilder({ page: other }).analyze()).violations).toEqual([]);
  await other.getByLabel("Username or email").fill(name);
  await other.getByLabel("Recovery code").fill(codes[3].toLowerCase());
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other.getByText("9 codes left")).toBeVisible();
  await createPasskey(other);
  await expectPasskeys(other, 2);
  expect(await device.passkeys()).toBe(1);
  await context.close();
});

test("\"This wasn't me\" in the email signs out all devices and suspends the new passkey", async ({ page, browser, baseURL }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const other = await otherDevice(browser, baseURL, page, name);
  await Authenticator.attach(other);
  await createPasskey(other);
  await linkInEmail(page, `${name}@example.org`, "Sign-in from a new device", "/not-me");
  const link = await linkInEmail(page, `${name}@example.org`, "A passkey was added to your account", "/not-me");
  await page.goto(link);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.getByRole("button", { name: "Secure my account" }).click();
  await expect(page.getByRole("heading", { name: "Your account is secured." })).toBeVisible();
  await signInWithPasskey(other);
  await expect(other.getByText("This passkey is suspended.")).toBeVisible();
  await signInWithPasskey(page);
  await expect(page).toHaveURL(/\/account$/);
  await expect(page.getByRole("region", { name: "Recent activity" })).toContainText("Account secured");
  await page.goto("/account/passkeys");
  await expect(page.getByText("Suspended", { exact: true })).toBeVisible();
  await expect(page.getByText("This passkey was suspended when you secured your account")).toBeVisible();
  await expect(page.getByText("You can sign in with it")).toHaveCount(0);
  await other.context().close();
});

test("all data can be exported, and a deleted account leaves nothing on the device", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await page.goto("/account/data");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download my data" }).click();
  expect((await download).suggestedFilename()).toBe("latchkey-account.json");
  await page.getByLabel("Delete account").click();
  await page.getByLabel("Enter your username to confirm").fill(name);
  await page.getByRole("button", { name: "Delete my account" }).click();
  await expect(page.getByRole("heading", { name: "Your account is deleted" })).toBeVisible();
  await expect.poll(() => authenticator.passkeys()).toBe(0);
  expect((await page.request.get("/api/session")).status()).toBe(401);
});

test("a code that its sixth digit submits is not submitted again by Enter", async ({ page }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  const { code } = await emailTo(page, `${name}@example.org`);
  await page.goto("/account/profile");
  await waitForHydration(page);
  const sent: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST") sent.push(request.url());
  });
  // Slow enough that Enter is pressed before the first response arrives.
  await page.route("**/email/confirm", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  await page.getByLabel("Code", { exact: true }).pressSequentially(code);
  await page.keyboard.press("Enter");
  await expect(page.getByText("Your email address is confirmed.")).toBeVisible();
  expect(sent).toHaveLength(1);
});

test("if creating a passkey requires reauthentication, the page submits the form that leads to it", async ({ page, browser, baseURL }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const other = await otherDevice(browser, baseURL, page, name);
  await Authenticator.attach(other);
  // The server's response after ten minutes.
  await other.route("**/api/passkeys/start", (route) =>
    route.fulfill({ status: 403, json: { error: { code: "reauthentication_required", message: "" } } }),
  );
  await other.getByRole("button", { name: "Create a passkey" }).click();
  // The offer's form was submitted; this session is fresh, so it needs no reauthentication.
  await expect(other.getByRole("heading", { name: "Add a passkey" })).toBeVisible();
  await other.context().close();
});
