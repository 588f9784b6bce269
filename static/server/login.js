// The way in where keys are configured: a key for a cookie, and out again.

import { byId } from "../page/dom.js";
import { t } from "../page/i18n.js";
import { ask, refusals } from "./http.js";

// `entered` is called when somebody has logged in.
export function login({ connection, entered }) {
  const dialog = byId("login");
  const open = () => {
    if (!dialog.open) dialog.showModal();
  };
  connection.addEventListener("login", open);
  refusals.addEventListener("login", open);
  byId("login-later").addEventListener("click", () => dialog.close());
  byId("login-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("login-error").textContent = "";
    try {
      await ask("/login", { key: byId("key").value.trim() });
    } catch (error) {
      byId("login-error").textContent = error.status === 401 ? t("login.wrong") : error.message || t("offline");
      byId("key").select();
      return;
    }
    byId("login-form").reset();
    dialog.close();
    entered();
  });
}

export async function logout() {
  await ask("/logout", {});
  location.reload();
}
