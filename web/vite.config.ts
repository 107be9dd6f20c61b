/** How the page is built: static files, for any web server and any path. */

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
