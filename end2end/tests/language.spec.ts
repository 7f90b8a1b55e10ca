// German, chosen by the browser or by the switch in the footer, before and after hydration.

import AxeBuilder from "@axe-core/playwright";
import { Authenticator, waitForHydration, expect, freshName, test } from "../fixtures";

test.describe("a browser that requests German", () => {
  test.use({ locale: "de-AT" });

  test("sign-up, refusals and the account are in German, before and after hydration", async ({ page, expectRefusal }) => {
    await Authenticator.attach(page);
    await page.goto("/sign-up");
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await waitForHydration(page);
    await expect(page.getByRole("button", { name: "Konto mit Passkey erstellen" })).toBeVisible();
    await page.getByLabel("Benutzername").fill("x");
    await page.getByLabel("E-Mail", { exact: true }).fill("x@example.org");
    expectRefusal(422);
    expectRefusal(422);
    await page.getByRole("button", { name: "Konto mit Passkey erstellen" }).click();
    await expect(page.getByText("Benutzen Sie 3 bis 32 Buchstaben")).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

    const name = freshName();
    await page.getByLabel("Benutzername").fill(name);
    await page.getByRole("button", { name: "Konto mit Passkey erstellen" }).click();
    await expect(page.getByRole("heading", { name: `Hallo, ${name}` })).toBeVisible();
    await expect(page.getByText("Willkommen! Wir haben Ihnen einen Link geschickt")).toBeVisible();
    for (const width of [320, 360, 768]) {
      await page.setViewportSize({ width, height: 800 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
    }
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  });
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(`with scripts ${javaScriptEnabled ? "on" : "off"}`, () => {
    test.use({ javaScriptEnabled });

    test("the switch leads to the same page in the other language, and back", async ({ page }) => {
      await page.goto("/sign-in?step=recovery");
      await page.getByRole("button", { name: "Deutsch" }).click();
      await expect(page.getByRole("heading", { name: "Wiederherstellungscode benutzen" })).toBeVisible();
      await page.getByRole("link", { name: "Auf andere Weise anmelden" }).click();
      await expect(page.getByRole("heading", { name: "Anmelden" })).toBeVisible();
      await page.getByRole("button", { name: "English" }).click();
      await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    });
  });
}

test("nothing is cut off or misaligned in a right-to-left language", async ({ page }) => {
  for (const path of ["/", "/sign-in", "/sign-up"]) {
    await page.goto(path);
    await page.evaluate(() => document.documentElement.setAttribute("dir", "rtl"));
    for (const width of [320, 768]) {
      await page.setViewportSize({ width, height: 800 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${path} at ${width} px`).toBeLessThanOrEqual(0);
      const heading = await page.getByRole("heading", { level: 1 }).evaluate((element) => getComputedStyle(element).textAlign);
      expect(["start", "right"]).toContain(heading);
    }
  }
});
