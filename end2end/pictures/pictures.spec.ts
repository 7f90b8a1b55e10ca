// Takes the screenshots in README.md: sign-in, account and email, in light and dark mode.

import { join } from "node:path";
import { Authenticator, requestSignInEmail, waitForHydration, emailTo, signOut, signUpConfirmed, test } from "../fixtures";

const folder = join(import.meta.dirname, "../../docs/images");

test.use({ viewport: { width: 440, height: 720 }, deviceScaleFactor: 1.5, reducedMotion: "reduce" });

for (const scheme of ["light", "dark"] as const) {
  test(`in ${scheme} mode`, async ({ page }) => {
    const take = (name: string) => page.screenshot({ path: join(folder, `${name}-${scheme}.png`) });
    await page.emulateMedia({ colorScheme: scheme });
    const authenticator = await Authenticator.attach(page);
    await signUpConfirmed(page, "ada");
    await page.goto("/account");
    await waitForHydration(page);
    await take("account");
    await signOut(page);
    await authenticator.setUserPresent(false);
    await page.request.post("/sign-in", { form: { action: "forget" }, headers: { origin: new URL(page.url()).origin } });
    await page.goto("/sign-in");
    await waitForHydration(page);
    await take("sign-in");
    await requestSignInEmail(page, "ada");
    await emailTo(page, "ada@example.org", 2);
    const emails = await (await page.request.get("/dev/mailbox.json")).json();
    await page.goto("about:blank");
    await page.setContent(emails[0].html);
    await take("email");
  });
}
