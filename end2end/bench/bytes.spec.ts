import { BUDGETS, type Kind, bytesOf, total } from "../bytes";
import { Authenticator, freshName, signUp, test } from "../fixtures";
import { type Row, report } from "./report";

const kib = (bytes: number) => (bytes / 1024).toFixed(1);

test("everything that each page loads, by kind, in KiB", async ({ page }) => {
  const rows: Row[] = [];
  await page.goto("/");
  for (const path of Object.keys(BUDGETS)) {
    if (path === "/account") {
      await Authenticator.attach(page);
      await signUp(page, freshName());
    }
    const bytes = await bytesOf(page, path);
    const columns = Object.fromEntries(Object.keys(bytes).map((kind) => [kind, kib(bytes[kind as Kind])]));
    rows.push({ what: path, columns: { ...columns, all: kib(total(bytes)), budget: BUDGETS[path] } });
  }
  report("bytes", rows);
});
