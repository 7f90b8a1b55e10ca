// Keyboard only: every control can be reached in page order and shows its focus, and after every refusal the focus is
// on the invalid field or on the error message.

import type { Page } from "@playwright/test";
import { Authenticator, requestSignInEmail, waitForHydration, emailTo, expect, freshName, passkeysOf, signOut, signUp, signUpConfirmed, test, disableSuggestions } from "../fixtures";

/** How a user recognises the focused element. */
type Stop = { is: string; hasOutline: boolean; isSeen: boolean };

const focused = (page: Page) =>
  page.evaluate((): Stop | null => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const { width, height } = element.getBoundingClientRect();
    const label = element.getAttribute("aria-label") ?? (element as HTMLInputElement).labels?.[0]?.textContent ?? element.textContent;
    return {
      is: `${element.tagName.toLowerCase()} ${label?.trim()}`,
      hasOutline: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      isSeen: width > 0 && height > 0,
    };
  });

/** The number of controls on the page. */
const controls = (page: Page) =>
  page.evaluate(() => {
    const all = document.querySelectorAll<HTMLElement>("a[href], button, input, textarea, summary, iframe");
    return [...all].filter((element) => element.checkVisibility() && element.tabIndex >= 0 && (element as HTMLInputElement).type !== "hidden").length;
  });

/** Tabs through a page from start to end. */
async function walk(page: Page): Promise<Stop[]> {
  await page.evaluate(() => {
    (document.activeElement as HTMLElement | null)?.blur();
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
  });
  const stops: Stop[] = [];
  for (let press = 0; press < 100; press += 1) {
    await page.keyboard.press("Tab");
    const stop = await focused(page);
    // At the end of the page, the focus leaves it or wraps around.
    if (!stop || (stops.length > 1 && stop.is === stops[0].is)) return stops;
    stops.push(stop);
  }
  throw new Error("tabbing does not end");
}

async function expectReachable(page: Page, where: string): Promise<void> {
  const expected = await controls(page);
  const stops = await walk(page);
  expect(stops.map(({ is }) => is).length, `${where}: ${stops.map(({ is }) => is).join(", ")}`).toBe(expected);
  expect(stops[0].is, where).toBe("a Skip to content");
  expect(stops.filter(({ hasOutline, isSeen }) => !hasOutline || !isSeen), where).toEqual([]);
}

test("every control of every page is reached by Tab and shows the focus", async ({ page }) => {
  test.setTimeout(120_000);
  const authenticator = await Authenticator.attach(page);
  const name = freshName();
  await disableSuggestions(page);
  for (const path of ["/", "/sign-in", "/sign-up", "/sign-in?step=recovery"]) {
    await page.goto(path);
    await waitForHydration(page);
    await expectReachable(page, path);
  }
  await signUp(page, name);
  await expectReachable(page, "after sign-up");
  const sections = await page.getByRole("navigation", { name: "Account" }).getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")!));
  for (const section of [...sections, "/account/passkeys?step=add"]) {
    await page.goto(section);
    await waitForHydration(page);
    await expectReachable(page, section);
    for (const summary of await page.locator("summary").all()) {
      await summary.focus();
      await page.keyboard.press("Enter");
    }
    await expectReachable(page, `${section}, unfolded`);
  }
  for (const path of ["/apps", "/confirm?next=/account"]) {
    await page.goto(path);
    await waitForHydration(page);
    await expectReachable(page, path);
  }
  await signOut(page);
  await authenticator.setUserPresent(false);
  await page.goto("/sign-in");
  await waitForHydration(page);
  await expectReachable(page, "a remembered user");
  await requestSignInEmail(page, name);
  await expectReachable(page, "code");
});

test("an account is created, viewed and deleted with the keyboard alone", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  const tabTo = async (what: string) => {
    for (let press = 0; press < 60; press += 1) {
      await page.keyboard.press("Tab");
      if ((await focused(page))?.is === what) return;
    }
    throw new Error(`Tab does not reach ${what}`);
  };
  const name = freshName();
  await page.goto("/");
  await tabTo("a Sign up");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/sign-up$/);
  await waitForHydration(page);
  await tabTo("input Username");
  await page.keyboard.type(name);
  await tabTo("input Email");
  await page.keyboard.type(`${name}@example.org`);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Your passkey is ready" })).toBeVisible();
  await tabTo("a Passkeys");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/account\/passkeys$/);
  await tabTo(`summary Rename ${(await passkeysOf(page).locator("strong").textContent())!}`);
  await page.keyboard.press("Enter");
  await tabTo("input New name");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("By hand");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Passkey renamed.")).toBeVisible();
  await tabTo("a Your data");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/account\/data$/);
  await tabTo("summary Delete account");
  await page.keyboard.press("Space");
  await tabTo("input Enter your username to confirm");
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Your account is deleted" })).toBeVisible();
  await expect.poll(() => authenticator.passkeys()).toBe(0);
});

test("after every refusal the focus is on the invalid field or on the error message", async ({ page, expectRefusal }) => {
  const authenticator = await Authenticator.attach(page);
  await disableSuggestions(page);
  const name = freshName();
  const refused = async (status: number, act: () => Promise<void>) => {
    expectRefusal(status);
    await act();
  };
  await refused(422, async () => {
    await page.goto("/sign-in");
    await waitForHydration(page);
    await page.getByLabel("Username or email").fill("no name at all");
    await page.keyboard.press("Enter");
    await expect(page).toHaveTitle(/^Error: Sign in · /);
    await expect(page.getByLabel("Username or email")).toBeFocused();
  });
  await refused(401, async () => {
    await page.goto("/sign-in?step=recovery");
    await expect(page.getByLabel("Username or email")).toBeFocused();
    await page.getByLabel("Username or email").fill("unknown-user");
    await page.getByLabel("Recovery code").fill("nonsense");
    await page.keyboard.press("Enter");
    await expect(page.getByLabel("Recovery code")).toBeFocused();
    await expect(page).toHaveTitle(/^Error: /);
  });
  await page.goto("/sign-up");
  await waitForHydration(page);
  await authenticator.setUserVerified(false);
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Email").fill(`${name}@example.org`);
  await page.getByRole("button", { name: "Create account with a passkey" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("No passkey was created.");
  await expect(page.getByRole("button", { name: "Create account with a passkey" })).toBeFocused();
  await authenticator.setUserVerified(true);
  await signUpConfirmed(page, name);
  for (const [section, what, label, text] of [
    ["profile", "Change your username", "Username", "x y"],
    ["profile", "Change your email address", "Email", "nowhere@"],
    ["profile", "Change your name", "Name", "\u202e"],
    ["data", "Delete account", "Enter your username to confirm", "another"],
  ]) {
    await refused(422, async () => {
      await page.goto(`/account/${section}`);
      await page.getByLabel(what, { exact: true }).click();
      const field = page.getByRole("textbox", { name: label, exact: true });
      await field.evaluate((input: HTMLInputElement) => (input.form!.noValidate = true));
      await field.fill(text);
      await page.keyboard.press("Enter");
      await expect(page).toHaveTitle(/^Error: /);
      await expect(page.getByRole("textbox", { name: label, exact: true })).toBeFocused();
    });
  }
  // No field is at fault: the error message has the focus.
  await page.goto("/account/passkeys");
  await page.evaluate(() => document.querySelector<HTMLInputElement>("details input[name=id]")!.form!.querySelector<HTMLInputElement>("input[name=id]")!.setAttribute("value", "AAAA"));
  await page.getByLabel(/^Rename /).click();
  await page.getByRole("button", { name: "Save name" }).click();
  await expect(page.locator("main > .alert")).toBeFocused();
  await expect(page).toHaveTitle(/^Error: /);
  // The code in an email.
  await page.goto("/account/profile");
  await page.getByLabel("Change your email address").click();
  await page.getByRole("textbox", { name: "Email" }).fill(`new-${name}@example.org`);
  await page.keyboard.press("Enter");
  const { code } = await emailTo(page, `new-${name}@example.org`);
  await page.getByLabel("Code", { exact: true }).fill(code === "000000" ? "000001" : "000000");
  await expect(page.getByText("This code is wrong.")).toBeVisible();
  await expect(page.getByLabel("Code", { exact: true })).toBeFocused();
});
