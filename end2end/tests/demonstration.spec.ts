// The ten points of the demonstration that this program grew out of, in order, as one user sees them.

import { Authenticator, waitForHydration, expect, freshName, emailTo, test, disableSuggestions } from "../fixtures";

for (const storage of ["embedded", "postgres+redis"] as const) {
  test.describe(`on ${storage}`, () => {
    test.use({ storage });

    test("all points of the demonstration", async ({ page, browser, baseURL, server, expectRefusal }) => {
      expectRefusal(409);
      test.setTimeout(90_000);
      const authenticator = await Authenticator.attach(page);
      const name = freshName();
      const navigation = page.getByRole("navigation", { name: "Main" });

      await test.step("1. home page and navigation", async () => {
        await page.goto("/");
        await expect(navigation.getByRole("link")).toHaveText(["Sign in", "Sign up"]);
      });

      await test.step("2. sign up, with the passkey on the same page", async () => {
        await navigation.getByRole("link", { name: "Sign up" }).click();
        await waitForHydration(page);
        await page.getByLabel("Name (optional)").fill("Ada Lovelace");
        await page.getByLabel("Username").fill(name);
        await page.getByLabel("Email").fill(`${name}@example.org`);
        await page.getByRole("button", { name: "Create account with a passkey" }).click();
        await expect(page.getByRole("heading", { name: "Hello, Ada Lovelace" })).toBeVisible();
        await expect(navigation.getByRole("link")).toHaveText(["Apps", "Account"]);
        await expect(navigation.getByRole("button")).toHaveText(["Sign out"]);
        const { link } = await emailTo(page, `${name}@example.org`);
        await page.goto(link);
        await page.getByRole("button", { name: "Confirm" }).click();
      });

      await test.step("7. the profile: name, username, email, id, number of passkeys", async () => {
        for (const fact of ["Ada Lovelace", name, `${name}@example.org`]) {
          await expect(page.getByRole("listitem").filter({ hasText: fact }).first()).toBeVisible();
        }
        await expect(page.getByTestId("passkeys")).toHaveText("1 passkey");
        await page.getByRole("link", { name: "Profile" }).click();
        await page.getByText("Details").click();
        await expect(page.getByRole("region", { name: "Profile" }).locator("code")).toHaveText(/^[\w-]{22}$/);
      });

      await test.step("8. sign out; protected pages redirect to sign-in and back", async () => {
        await authenticator.setUserPresent(false);
        await navigation.getByRole("button", { name: "Sign out" }).click();
        await expect(page).toHaveURL(`${server.origin}/`);
      });

      await test.step("9. notices that the user closes", async () => {
        const notice = page.getByRole("status").filter({ hasText: "You're signed out." });
        await expect(notice).toBeVisible();
        await page.getByRole("button", { name: "Close this message" }).click();
        await expect(notice).toBeHidden();
      });

      await test.step("3. and 4. a remembered user, with the choice of passkey, email and another account", async () => {
        await disableSuggestions(page);
        await page.goto("/account");
        await expect(page).toHaveURL(/\/sign-in\?next=\/account$/);
        await waitForHydration(page);
        await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
        await expect(page.locator(".chip")).toContainText("Ada Lovelace");
        for (const choice of ["Sign in with a passkey", "Email me a sign-in link", "Use another account"]) {
          await expect(page.getByRole("button", { name: choice })).toBeVisible();
        }
        await authenticator.setUserPresent(true);
        await page.getByRole("button", { name: "Sign in with a passkey" }).click();
        await expect(page).toHaveURL(`${server.origin}/account`);
        await authenticator.setUserPresent(false);
        await navigation.getByRole("button", { name: "Sign out" }).click();
        await page.goto("/sign-in");
        await page.getByRole("button", { name: "Use another account" }).click();
        await expect(page.getByRole("heading", { name: "Sign in", exact: true })).toBeVisible();
      });

      const context = await browser.newContext({ baseURL });
      const device = await context.newPage();
      await Authenticator.attach(device);
      await test.step("5. a sign-in link, once, in the browser that requested it", async () => {
        await device.goto("/sign-in");
        await device.getByLabel("Username or email").fill(`${name}@example.org`);
        await device.getByRole("button", { name: "Email me a sign-in link" }).click();
        const { link } = await emailTo(page, `${name}@example.org`, 2);
        await page.goto(link);
        await expect(page.getByRole("heading", { name: "Open the link in the other browser" })).toBeVisible();
        await device.goto(link);
        await device.getByRole("button", { name: "Sign in" }).click();
        await expect(device.getByRole("heading", { name: "Hello, Ada Lovelace" })).toBeVisible();
        await device.goto(link);
        await expect(device.getByText("That link was already used or has expired. You're still signed in.")).toBeVisible();
      });

      await test.step("6. the offer to create a passkey on this device", async () => {
        await device.goto("/account");
        await waitForHydration(device);
        await device.getByRole("button", { name: "Create a passkey" }).click();
        await expect(device.getByTestId("passkeys")).toHaveText("2 passkeys");
      });
      await context.close();

      await test.step("10. both backends are in use and healthy", async () => {
        expect(await (await page.request.get("/readyz")).json()).toEqual({ database: "ok", ephemeral: "ok" });
      });
    });
  });
}
