import { Authenticator, waitForHydration, expect, freshName, signUp, test } from "../fixtures";

test.beforeEach(async ({ page }) => {
  await page.goto("/sign-up");
  await waitForHydration(page);
});

test("an invalid field shows its error next to it and keeps the typed text", async ({ page, expectRefusal }) => {
  expectRefusal(422);
  expectRefusal(422);
  await page.getByLabel("Name (optional)").fill("Ada Lovelace");
  await page.getByLabel("Username").fill("a b");
  await page.getByLabel("Email").fill("nowhere");
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  await expect(page.locator("#username-note")).toContainText("beginning with a letter or digit");
  await expect(page.getByLabel("Username")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Username")).toHaveValue("a b");
  // All invalid fields are marked at once, and the first one has the focus.
  await expect(page.locator("#email-note")).toContainText("name@example.org");
  await expect(page.getByLabel("Email")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Email")).toHaveValue("nowhere");
  await expect(page.getByLabel("Username")).toBeFocused();
  await expect(page).toHaveTitle(/^Error: Sign up · /);
  await expect(page.getByLabel("Name (optional)")).toHaveValue("Ada Lovelace");
  // Once the fields are corrected, nothing is called wrong any more, not even if the dialog is cancelled.
  const authenticator = await Authenticator.attach(page);
  await authenticator.setUserVerified(false);
  await waitForHydration(page);
  await page.getByLabel("Username").fill(freshName());
  await page.getByLabel("Email").fill("ada@example.org");
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  await expect(page.getByRole("alert")).toHaveText("No passkey was created. You can try again.");
  await expect(page.locator("[aria-invalid], .note.error")).toHaveCount(0);
  await expect(page).toHaveTitle(/^Sign up · /);
});

test("after sign-up, the page offers to name the passkey and lists what comes next", async ({ page }) => {
  await Authenticator.attach(page);
  await signUp(page, freshName());
  await expect(page.getByRole("heading", { name: "Your passkey is ready" })).toBeVisible();
  const tasks = page.getByRole("listitem").filter({ hasText: /^(Done: )?(Confirm your email|Add a second passkey|Get recovery codes)$/ });
  await expect(tasks).toHaveCount(3);
  // Red is for errors.
  await expect(page.locator("main .alert:visible, main .error:visible")).toHaveCount(0);
  const name = page.getByLabel("Passkey name");
  await expect(name).toHaveValue("Chrome on Linux");
  await name.fill("My laptop");
  await page.getByRole("button", { name: "Save name" }).click();
  await page.goto("/account/passkeys");
  await expect(page.getByRole("listitem").filter({ hasText: "My laptop" })).toBeVisible();
});

test("a taken username is reported next to the field", async ({ page, browser, server, expectRefusal }) => {
  expectRefusal(409);
  expectRefusal(409);
  const name = freshName();
  const other = await browser.newPage({ baseURL: server.origin });
  await Authenticator.attach(other);
  await signUp(other, name);
  await other.close();
  await page.getByLabel("Username").fill(name.toUpperCase());
  await page.getByLabel("Email").fill("ada@example.org");
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  await expect(page.locator("#username-note")).toHaveText("This username is taken. Choose another.");
  await expect(page.getByLabel("Username")).toBeFocused();
});

test("a cancelled dialog is not an error, and a second try succeeds", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  await authenticator.setUserVerified(false);
  const name = freshName();
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Email").fill("ada@example.org");
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  // Without a word about security keys, which the user did not ask for.
  await expect(page.getByRole("alert")).toHaveText("No passkey was created. You can try again.");
  await expect(page.getByLabel("Username")).toHaveValue(name);
  await authenticator.setUserVerified(true);
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  await expect(page.getByRole("heading", { name: "Your passkey is ready" })).toBeVisible();
});

test("a security key that cannot store a passkey is reported like a cancelled dialog", async ({ page }) => {
  await Authenticator.attach(page, { transport: "usb", hasResidentKey: false });
  await page.getByLabel("Username").fill(freshName());
  await page.getByLabel("Email").fill("ada@example.org");
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("No passkey was created.");
});

test("a browser without passkey support gets a message", async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, "PublicKeyCredential"));
  await page.reload();
  await waitForHydration(page);
  await page.getByLabel("Username").fill(freshName());
  await page.getByLabel("Email").fill("ada@example.org");
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("This browser can't use passkeys.");
});
