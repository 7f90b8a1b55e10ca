import type { Browser, BrowserContext } from "@playwright/test";
import AxeBuilder from "@axe-core/playwright";
import { Authenticator, requestSignInEmail, waitForHydration, createPasskey, expect, freshName, emailTo, signOut, signUp, signUpConfirmed, test, disableSuggestions, signUpByEmail } from "../fixtures";

/** Another browser, of the same or another user. */
function another(browser: Browser, baseURL: string | undefined, options = {}): Promise<BrowserContext> {
  return browser.newContext({ baseURL, ...options });
}

for (const storage of ["embedded", "postgres+redis"] as const) {
  test.describe(`on ${storage}`, () => {
    test.use({ storage });

    test("an email signs in on a new device, which offers and creates a passkey", async ({ page, browser, baseURL }) => {
      await Authenticator.attach(page);
      const name = freshName();
      await signUpConfirmed(page, name);

      const device = await (await another(browser, baseURL)).newPage();
      const authenticator = await Authenticator.attach(device);
      await requestSignInEmail(device, name);
      await expect(device.getByText(name)).toBeVisible();
      await emailTo(device, `${name}@example.org`, 2);
      await device.goto("/dev/mailbox");
      await device.getByRole("link", { name: `${name}@example.org` }).first().click();
      await expect(device.locator("[aria-current=true]")).toContainText(`${name}@example.org`);
      await device.frameLocator("iframe").getByRole("link", { name: "Sign in" }).click();
      await expect(device.getByText(`(${name})`)).toBeVisible();
      await device.getByRole("button", { name: "Sign in" }).click();
      await expect(device).toHaveURL(/\/account$/);
      await expect(device.getByRole("heading", { name: "Create a passkey on this device" })).toBeVisible();
      await createPasskey(device);
      await expect(device.getByTestId("passkeys")).toHaveText("2 passkeys");
      await expect(device.getByRole("heading", { name: "Create a passkey on this device" })).toHaveCount(0);
      expect(await authenticator.passkeys()).toBe(1);

      await disableSuggestions(device);
      await signOut(device);
      await device.goto("/sign-in");
      await waitForHydration(device);
      await device.getByRole("button", { name: "Sign in with a passkey" }).click();
      await expect(device).toHaveURL(/\/account$/);
      await device.context().close();
    });

    test("opened in another browser, a link explains itself, and the code signs in where it was requested", async ({
      page,
      browser,
      baseURL,
    }) => {
      await Authenticator.attach(page);
      const name = freshName();
      await signUpConfirmed(page, name);
      const asking = await (await another(browser, baseURL)).newPage();
      await requestSignInEmail(asking, `${name}@example.org`);
      const { link, code } = await emailTo(page, `${name}@example.org`, 2);

      const other = await (await another(browser, baseURL)).newPage();
      await other.goto(link);
      await expect(other.getByRole("heading", { name: "Open the link in the other browser" })).toBeVisible();
      await expect(other.getByText(name)).toHaveCount(0);

      await asking.getByLabel("Code").fill("12 34");
      await asking.getByRole("button", { name: "Continue" }).click();
      await expect(asking.getByText("This code is wrong.")).toBeVisible();
      await asking.getByLabel("Code").fill(`${code.slice(0, 3)} ${code.slice(3)}`);
      await asking.getByRole("button", { name: "Continue" }).click();
      await expect(asking.getByRole("heading", { name: /^Hello/ })).toBeVisible();
      await other.context().close();
      await asking.context().close();
    });

    test("with scripts off, the whole email flow works", async ({ page, browser, baseURL }) => {
      await Authenticator.attach(page);
      const name = freshName();
      await signUpConfirmed(page, name);
      const plain = await (await another(browser, baseURL, { javaScriptEnabled: false })).newPage();
      await plain.goto("/account");
      await plain.getByLabel("Username or email").fill("no name at all");
      await plain.getByRole("button", { name: "Email me a sign-in link" }).click();
      await expect(plain.getByText("Enter your username or email address.")).toBeVisible();
      await expect(plain.getByLabel("Username or email")).toHaveValue("no name at all");
      await plain.getByLabel("Username or email").fill(name);
      await plain.getByRole("button", { name: "Email me a sign-in link" }).click();
      const { link } = await emailTo(page, `${name}@example.org`, 2);
      await plain.goto(link);
      await plain.getByRole("button", { name: "Sign in" }).click();
      await expect(plain.getByRole("heading", { name: /^Hello/ })).toBeVisible();
      await expect(plain.locator("noscript p")).toContainText("Creating a passkey needs JavaScript.");
      await plain.getByRole("button", { name: "Not now" }).click();
      await expect(plain.getByText("OK, we won't ask again for 30 days.")).toBeVisible();
      await plain.getByRole("navigation").getByRole("button", { name: "Sign out" }).click();
      await expect(plain.getByText("You're signed out.")).toBeVisible();
      await plain.context().close();
    });
  });
}

test("a scanner that opens the link with scripts on changes nothing", async ({ page, browser, baseURL }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const recipient = await (await another(browser, baseURL)).newPage();
  await requestSignInEmail(recipient, name);
  const { link } = await emailTo(page, `${name}@example.org`, 2);
  const scanner = await (await another(browser, baseURL)).newPage();
  for (let visit = 0; visit < 3; visit += 1) {
    await scanner.goto(link);
    await scanner.waitForLoadState("networkidle");
  }
  await recipient.goto(link);
  await recipient.waitForLoadState("networkidle");
  await recipient.goto(link);
  await recipient.getByRole("button", { name: "Sign in" }).click();
  await expect(recipient.getByRole("heading", { name: /^Hello/ })).toBeVisible();
  await scanner.context().close();
  await recipient.context().close();
});

test("the address is confirmed by the code on the account page", async ({ page }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await expect(page.getByText("Not confirmed")).toBeVisible();
  await page.getByRole("link", { name: "Confirm your email" }).click();
  const { code } = await emailTo(page, `${name}@example.org`);
  await waitForHydration(page);
  // The sixth digit submits the form.
  await page.getByLabel("Code", { exact: true }).pressSequentially(code);
  await expect(page.getByText("Your email address is confirmed.")).toBeVisible();
  await expect(page.getByText("Not confirmed")).toHaveCount(0);
});

test("a browser that cannot create a passkey signs up by email", async ({ page }) => {
  const name = freshName();
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, "PublicKeyCredential"));
  await page.goto("/sign-up");
  await waitForHydration(page);
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Email").fill(`${name}@example.org`);
  await page.getByRole("button", { name: "Sign up by email instead" }).click();
  await expect(page.getByRole("heading", { name: "Check your email" })).toBeVisible();
  const { code } = await emailTo(page, `${name}@example.org`);
  await expect(page.getByLabel("Code")).toBeFocused();
  await page.getByLabel("Code").fill(code);
  await expect(page.getByRole("heading", { name: /^Hello/ })).toBeVisible();
  await expect(page.getByTestId("passkeys")).toHaveText("None");
});

test("the browser greets the last user, and switching accounts forgets that user", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await signOut(page);
  await authenticator.setUserPresent(false);
  await page.goto("/sign-in");
  await waitForHydration(page);
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  await expect(page.locator(".chip")).toContainText(name);
  await expect(page.getByLabel("Username or email")).toHaveCount(0);
  await expect(page.getByText("New here?")).toHaveCount(0);
  await page.getByRole("button", { name: "Use another account" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", exact: true })).toBeVisible();
  await expect(page.getByText(name)).toHaveCount(0);
  await expect(page.getByLabel("Username or email")).toHaveValue("");
});

test("a mistyped address is corrected from the page of the code", async ({ page }) => {
  await page.goto("/sign-in");
  await waitForHydration(page);
  await page.getByLabel("Username or email").fill("adda@example.org");
  await page.getByRole("button", { name: "Email me a sign-in link" }).click();
  const code = page.getByLabel("Code", { exact: true });
  await expect(code).toHaveAttribute("autocomplete", "one-time-code");
  // As wide as six digits.
  expect((await code.boundingBox())!.width).toBeLessThan(200);
  await page.getByRole("link", { name: "Made a typo? Correct it" }).click();
  await expect(page.getByLabel("Username or email")).toHaveValue("adda@example.org");
  await page.getByLabel("Username or email").fill("ada@example.org");
  await page.getByRole("button", { name: "Email me a sign-in link" }).click();
  await expect(page.getByText("If ada@example.org has an account")).toBeVisible();
});

test("the email can be sent again after a minute", async ({ page }) => {
  await page.clock.install();
  await page.goto("/sign-in");
  await page.waitForLoadState("networkidle");
  await page.getByLabel("Username or email").fill("unknown-user");
  await page.getByRole("button", { name: "Email me a sign-in link" }).click();
  const again = page.getByRole("button", { name: /^Resend email/ });
  await expect(again).toBeDisabled();
  await expect(again).toHaveText(/\(\d+ s\)$/);
  await page.clock.runFor(61_000);
  await expect(again).toBeEnabled();
  await again.click();
  await expect(page.getByText("Email sent.")).toBeVisible();
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(`with scripts ${javaScriptEnabled ? "on" : "off"}`, () => {
    test.use({ javaScriptEnabled });

    test("a notice is announced, stays until its button closes it, and is shown once", async ({ page }) => {
      await page.addInitScript(() => {
        const announced: (string | null)[] = [];
        Object.assign(window, { announced });
        addEventListener("DOMContentLoaded", () => {
          const status = document.querySelector(".notice [role=status]");
          if (status) new MutationObserver(() => announced.push(status.textContent)).observe(status, { childList: true });
        });
      });
      const name = freshName();
      await signUpByEmail(page, name);
      await signOut(page);
      const notice = page.getByRole("status").filter({ hasText: "You're signed out." });
      await expect(notice).toBeVisible();
      await page.waitForTimeout(6_000);
      if (javaScriptEnabled) expect(await page.evaluate("announced")).toEqual(["You're signed out."]);
      await expect(notice).toBeVisible();
      await page.getByRole("button", { name: "Close this message" }).click();
      await expect(notice).toBeHidden();
      if (javaScriptEnabled) await expect(page.getByRole("main")).toBeFocused();
      await page.reload();
      await expect(notice).toHaveCount(0);
    });
  });
}

for (const scheme of ["light", "dark"] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });

    test("axe finds no violations on the email pages", async ({ page, browser, baseURL }) => {
      const expectNoViolations = async (which: typeof page, what: string) =>
        expect((await new AxeBuilder({ page: which }).analyze()).violations, what).toEqual([]);
      await Authenticator.attach(page);
      const name = freshName();
      await signUp(page, name);
      const { link } = await emailTo(page, `${name}@example.org`);
      await page.goto(link);
      await expectNoViolations(page, "confirm");
      await page.getByRole("button", { name: "Confirm" }).click();
      const context = await another(browser, baseURL, { colorScheme: scheme });
      const device = await context.newPage();
      await requestSignInEmail(device, name);
      await expectNoViolations(device, "code");
      const email = await emailTo(page, `${name}@example.org`, 2);
      await device.goto(email.link);
      await expectNoViolations(device, "link");
      await device.getByRole("button", { name: "Sign in" }).click();
      await expect(device.getByRole("heading", { name: /^Hello/ })).toBeVisible();
      await expectNoViolations(device, "offer");
      await device.goto("/dev/mailbox");
      // Legacy mode needs no page of its own, which this context cannot open for the frame.
      const mailbox = await new AxeBuilder({ page: device }).setLegacyMode().analyze();
      expect(mailbox.violations, "mailbox").toEqual([]);
      await context.close();
    });
  });
}
