// Administrators' choices as users see them: branding, invitations, and help for users who lost every sign-in method.

import AxeBuilder from "@axe-core/playwright";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authenticator, waitForHydration, createPasskey, expectPasskeys, expect, freshName, emailTo, signOut, signUp, signUpConfirmed, test } from "../fixtures";

const folder = mkdtempSync(join(tmpdir(), "latchkey-brand-"));
writeFileSync(
  join(folder, "logo.svg"),
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" rx="2" fill="#7a1f5f"/></svg>',
);

test.describe("a branded site", () => {
  test.use({
    settings: {
      SITE_NAME: "Blue Lamp",
      SITE_ACCENT: "#7a1f5f,#e8a6d4",
      SITE_LOGO: join(folder, "logo.svg"),
      SITE_LINKS: "Imprint=https://example.org/imprint,Privacy=https://example.org/privacy",
      SUPPORT_CONTACT: "mailto:help@example.org",
    },
  });

  test("its name, colour, logo and links are everywhere", async ({ page }) => {
    await Authenticator.attach(page);
    for (const [scheme, colour] of [["light", "rgb(122, 31, 95)"], ["dark", "rgb(232, 166, 212)"]] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.goto("/");
      await expect(page).toHaveTitle(/· Blue Lamp$/);
      await expect(page.getByRole("banner").getByText("Blue Lamp")).toBeVisible();
      const logo = page.getByRole("banner").locator("img");
      expect(await logo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
      await expect(page.getByRole("main").getByRole("link", { name: "Sign up" })).toHaveCSS("background-color", colour);
      await expect(page.getByRole("contentinfo").getByRole("link")).toHaveText(["Help", "Imprint", "Privacy"]);
      await expect(page.locator("body")).not.toContainText("Latchkey");
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    }
    const name = freshName();
    await signUp(page, name);
    const { subject, text } = await emailTo(page, `${name}@example.org`);
    expect(subject).toBe("Confirm your email address for Blue Lamp");
    expect(text).not.toContain("Latchkey");
  });
});

test.describe("by invitation", () => {
  test.use({ settings: { SIGN_UP: "invite" } });

  test("an uninvited visitor is told that sign-up needs an invitation, and an invited user signs up once", async ({ page, server, expectRefusal }) => {
    await Authenticator.attach(page);
    await page.goto("/");
    await expect(page.getByRole("link", { name: "Sign up" })).toHaveCount(0);
    expectRefusal(403);
    await page.goto("/sign-up");
    await expect(page.getByRole("heading", { name: "By invitation only" })).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

    const link = await server.command("invitations", "create");
    const name = freshName();
    await page.goto(link);
    await waitForHydration(page);
    await page.getByLabel("Username").fill(name);
    await page.getByLabel("Email").fill(`${name}@example.org`);
    await page.getByRole("button", { name: "Create account with a passkey" }).click();
    await expect(page.getByRole("heading", { name: `Hello, ${name}` })).toBeVisible();
    await signOut(page);
    expectRefusal(403);
    await page.goto(link);
    await expect(page.getByText("You need a valid invitation to sign up.")).toBeVisible();
  });
});

test("a user who lost every sign-in method gets a link and creates a passkey with it", async ({ page, browser, baseURL, server }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUpConfirmed(page, name);
  const link = await server.command("sign-in-link", name);

  const context = await browser.newContext({ baseURL });
  const other = await context.newPage();
  await Authenticator.attach(other);
  await other.goto(link);
  await expect(other.getByText(`This link signs you in as ${name}`)).toBeVisible();
  await other.getByRole("button", { name: "Sign in" }).click();
  await createPasskey(other);
  await expectPasskeys(other, 2);
  await context.close();
});

test("signing in to a disabled account with its passkey says so", async ({ page, server, expectRefusal }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await server.command("users", "disable", name);
  expectRefusal(403);
  await page.goto("/account");
  await expect(page).toHaveURL(/\/sign-in/);
  await waitForHydration(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByText("This account is disabled. Contact your administrator.").first()).toBeVisible();
});
