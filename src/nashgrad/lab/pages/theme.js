// Light or dark: as the system says, until the button is pressed. Pages that draw listen for "theme".
(() => {
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => { try { return localStorage.getItem("nashgrad-theme"); } catch { return null; } };
  const keep = (name) => { try { localStorage.setItem("nashgrad-theme", name); } catch { /* a file has no storage */ } };
  const show = (name) => {
    document.documentElement.dataset.theme = name;
    button.textContent = name === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to the ${name === "dark" ? "light" : "dark"} theme`);
    document.dispatchEvent(new CustomEvent("theme", { detail: name }));
  };
  const wanted = () => stored() ?? (system.matches ? "dark" : "light");
  button.addEventListener("click", () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    keep(next);
    show(next);
  });
  system.addEventListener("change", () => show(wanted()));
  show(wanted());
})();
