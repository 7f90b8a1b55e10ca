import { Authenticator, waitForHydration, forget, signInWithPasskey, expect, freshName, signOut, signUp, test, disableSuggestions } from "../fixtures";

test("the passkey comes first, then the email, whose field has the focus", async ({ page }) => {
  await page.goto("/sign-in");
  const field = page.getByLabel("Username or email");
  await expect(field).toBeFocused();
  await expect(page.getByText("Only needed if you sign in by email.")).toBeVisible();
  const parts = [page.getByRole("button", { name: "Sign in with a passkey" }), page.getByLabel("Keep me signed in"), page.getByText("or", { exact: true }), field, page.getByRole("button", { name: "Email me a sign-in link" })];
  const boxes = await Promise.all(parts.map((part) => part.boundingBox()));
  const tops = boxes.map((box) => box!.y);
  expect(tops).toEqual(tops.toSorted((a, b) => a - b));
  // No place is reserved for messages that may never come.
  for (const [index, box] of boxes.entries()) {
    if (index > 0) expect(box!.y - (boxes[index - 1]!.y + boxes[index - 1]!.height), `above part ${index}`).toBeLessThan(64);
  }
});

test("autofill still works after five minutes on the page", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  await signUp(page, freshName());
  await signOut(page);
  await authenticator.setUserPresent(false);
  await forget(page);
  await page.clock.install();
  await page.goto("/sign-in");
  await waitForHydration(page);
  const rearmed = page.waitForResponse("**/api/sign-in/start");
  await page.clock.fastForward("04:30");
  await rearmed;
  await authenticator.setUserPresent(true);
  // Whichever of the two later ceremonies gets the response, the first one has expired.
  await page.clock.fastForward("04:00");
  await expect(page).toHaveURL(/\/account$/);
});

test("a cancelled dialog is not an error, and a second try succeeds", async ({ page }) => {
  const authenticator = await Authenticator.attach(page);
  await signUp(page, freshName());
  await signOut(page);
  await authenticator.setUserVerified(false);
  await disableSuggestions(page);
  await page.goto("/sign-in");
  await waitForHydration(page);
  let begun = 0;
  page.on("response", (response) => {
    if (response.url().endsWith("/api/sign-in/start")) begun += 1;
  });
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("You can try again.");
  await expect.poll(() => begun).toBeGreaterThanOrEqual(1);
  await expect(page.getByRole("alert").locator("p")).toHaveClass(/advice/);
  await expect(page.getByRole("button", { name: "Email me a sign-in link" })).toBeVisible();
  await authenticator.setUserVerified(true);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page).toHaveURL(/\/account$/);
});

test("a protected page redirects to sign-in and back", async ({ page }) => {
  await Authenticator.attach(page);
  await signUp(page, freshName());
  await signOut(page);
  for (const section of ["/account", "/account/devices"]) {
    await page.goto(section);
    await expect(page).toHaveURL(`/sign-in?next=${section}`);
    await waitForHydration(page);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await expect(page).toHaveURL(section);
    await signOut(page);
  }
});

test("Enter in the field requests an email", async ({ page }) => {
  await page.goto("/sign-in");
  await waitForHydration(page);
  await page.getByLabel("Username or email").fill("ada");
  await page.getByLabel("Username or email").press("Enter");
  await expect(page.getByRole("heading", { name: "Check your email" })).toBeVisible();
});

test("two tabs sign in without disturbing each other", async ({ page, context }) => {
  await Authenticator.attach(page);
  await signUp(page, freshName());
  await signOut(page);
  await disableSuggestions(page);
  await page.goto("/sign-in");
  await waitForHydration(page);
  const other = await context.newPage();
  await Authenticator.attach(other);
  await disableSuggestions(other);
  await other.goto("/sign-in");
  await waitForHydration(other);
  await page.bringToFront();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page).toHaveURL(/\/account$/);
  await other.reload();
  await expect(other).toHaveURL(/\/account$/);
});

test("one press sends one request", async ({ page }) => {
  await Authenticator.attach(page);
  await signUp(page, freshName());
  await signOut(page);
  await disableSuggestions(page);
  await page.goto("/sign-in");
  await waitForHydration(page);
  const starts: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/api/sign-in/start")) starts.push(request.url());
  });
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page).toHaveURL(/\/account$/);
  expect(starts).toHaveLength(1);
});

test("text typed before hydration is kept", async ({ page }) => {
  let releaseWasm = () => {};
  const wasmReleased = new Promise<void>((resolve) => (releaseWasm = resolve));
  await page.route("**/*.wasm", async (route) => {
    await wasmReleased;
    await route.continue();
  });
  await page.goto("/sign-up", { waitUntil: "commit" });
  await page.getByLabel("Username").fill("early-bird");
  await page.getByLabel("Email").fill("early@example.org");
  releaseWasm();
  await waitForHydration(page);
  await expect(page.getByLabel("Username")).toHaveValue("early-bird");
  await expect(page.getByLabel("Email")).toHaveValue("early@example.org");
});

test("after signing out the back button shows nothing of the account", async ({ page }) => {
  await Authenticator.attach(page);
  const name = freshName();
  await signUp(page, name);
  await page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/$/);
  await page.goBack();
  await expect(page.getByText(`${name}@example.org`)).toHaveCount(0);
  await expect(page.getByTestId("passkeys")).toHaveCount(0);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
});

test("\"Keep me signed in\" keeps the cookie after the browser closes", async ({ page, context }) => {
  await Authenticator.attach(page);
  await signUp(page, freshName());
  await signOut(page);
  await disableSuggestions(page);
  await page.goto("/sign-in");
  await waitForHydration(page);
  await page.getByLabel("Keep me signed in").check();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page).toHaveURL(/\/account$/);
  const cookie = (await context.cookies()).find(({ name }) => name === "latchkey_session");
  expect(cookie?.expires).toBeGreaterThan(Date.now() / 1000 + 29 * 24 * 3600);
});
