import { Authenticator, waitForHydration, expect, freshName, signOut, signUp, test, disableSuggestions } from "../fixtures";

for (const storage of ["embedded", "postgres+redis"] as const) {
  test.describe(`on ${storage}`, () => {
    test.use({ storage });

    test("a user signs up, signs out and signs in again with the button", async ({ page }) => {
      const authenticator = await Authenticator.attach(page);
      const name = freshName();
      await signUp(page, name);
      await expect(page.getByText(name, { exact: true }).first()).toBeVisible();
      await expect(page.getByTestId("passkeys")).toHaveText("1 passkey");
      expect(await authenticator.passkeys()).toBe(1);
      await signOut(page);
      await disableSuggestions(page);
      await page.goto("/sign-in");
      await waitForHydration(page);
      await page.getByRole("button", { name: "Sign in with a passkey" }).click();
      await expect(page).toHaveURL(/\/account$/);
    });

    test("a passkey suggested in the username field signs in", async ({ page }) => {
      await Authenticator.attach(page);
      await signUp(page, freshName());
      await signOut(page);
      await page.goto("/sign-in");
      // This shows the username field; the virtual authenticator accepts its suggestion at once.
      await page.getByRole("button", { name: "Use another account" }).click();
      await expect(page).toHaveURL(/\/account$/);
    });
  });
}
