/** How the component is built for other sites: one module, its styles beside it. */

import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "index" },
    outDir: "../build/web-package",
    emptyOutDir: true,
    target: "es2022",
    minify: false,
    // What is in it of others' says so: d3-hierarchy is ISC.
    license: { fileName: "LICENSES.md" },
    rolldownOptions: { external: /^react(-dom)?(\/|$)/ },
  },
});
