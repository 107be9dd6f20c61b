/** How the page is built: static files that work below any address, also from a directory. */

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../build/web",
    emptyOutDir: true,
    target: "es2024",
    modulePreload: { polyfill: false },
  },
});
