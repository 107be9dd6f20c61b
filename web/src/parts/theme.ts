/** Light or dark: as the browser wishes, or as the reader chose, who is remembered. */

import { useEffect, useState } from "react";

export type Theme = "auto" | "light" | "dark";

const themes: readonly Theme[] = ["auto", "light", "dark"];
const key = "pivot-theme";

function remembered(): Theme {
  try {
    const value = localStorage.getItem(key);
    return themes.find((theme) => theme === value) ?? "auto";
  } catch {
    // Storage can be forbidden: then nothing is remembered.
    return "auto";
  }
}

/** @returns the theme, and how to get to the next one */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(remembered);
  useEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    try {
      localStorage.setItem(key, theme);
    } catch {
      // As above.
    }
  }, [theme]);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "auto";
  return [theme, () => setTheme(next)];
}
