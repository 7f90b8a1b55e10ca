const page = document.documentElement.lang, midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate());
let locale = navigator.language;
try { if (!Intl.getCanonicalLocales(locale)[0].startsWith(page)) locale = page; } catch { locale = page; }
for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime), days = Math.round((midnight(at) - midnight(new Date())) / 864e5), near = Math.abs(days) < 2;
  const day = near ? new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day") : at.toLocaleDateString(locale, { dateStyle: "medium" });
  const hour = at.toLocaleTimeString(locale, { timeStyle: "short" });
  time.textContent = near || "time" in time.dataset ? `${day}, ${hour}` : day;
}
setTimeout(() => { const status = document.querySelector(".notice [role=status]"); status?.replaceChildren(status.textContent); }, 500);
addEventListener("close", () => { const main = document.querySelector("main"); main.tabIndex = -1; main.focus(); }, true);
