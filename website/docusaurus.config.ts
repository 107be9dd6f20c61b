/**
 * The site of the documentation: what is in ../docs, with PivotRootDemo in it.
 *
 * PIVOT_DOCS_URL says where it will be served, for links that have to be whole; a path in it is where
 * the site begins. Unless told, that is the root of whatever server.
 */

import type { Config } from "@docusaurus/types";
import { dark, light } from "./prism-themes.ts";

const place = new URL(process.env["PIVOT_DOCS_URL"] ?? "http://localhost/");

const config: Config = {
  title: "pivot",
  tagline: "A container runtime that makes a container from a plan you can read",
  favicon: "icon.svg",
  url: place.origin,
  baseUrl: place.pathname.endsWith("/") ? place.pathname : `${place.pathname}/`,
  trailingSlash: true,
  future: { v4: true, faster: true },
  onBrokenLinks: "throw",
  onBrokenAnchors: "throw",
  onDuplicateRoutes: "throw",
  markdown: {
    // .md is Markdown as everybody's, .mdx has components.
    format: "detect",
    mermaid: true,
    hooks: { onBrokenMarkdownLinks: "throw", onBrokenMarkdownImages: "throw" },
  },
  i18n: { defaultLocale: "en", locales: ["en"] },
  plugins: [
    [
      "@docusaurus/plugin-content-docs",
      { path: "../docs", routeBasePath: "/", sidebarPath: "./sidebars.ts", breadcrumbs: true },
    ],
    [
      "@docusaurus/plugin-content-docs",
      {
        id: "project",
        // Copies, which tools/site.sh makes: Docusaurus wants each page below one directory alone.
        path: "project",
        routeBasePath: "project",
        sidebarPath: "./sidebars-project.ts",
      },
    ],
  ],
  themes: [
    ["@docusaurus/theme-classic", { customCss: "./src/css/site.css" }],
    "@docusaurus/theme-mermaid",
    [
      "@easyops-cn/docusaurus-search-local",
      { hashed: true, indexBlog: false, docsRouteBasePath: ["/", "project"], docsDir: ["../docs"] },
    ],
  ],
  themeConfig: {
    colorMode: { respectPrefersColorScheme: true },
    navbar: {
      title: "pivot",
      logo: { alt: "", src: "icon.svg" },
      items: [
        { type: "doc", docId: "tutorial/index", label: "Tutorial", position: "left" },
        { type: "doc", docId: "guides/index", label: "Guides", position: "left" },
        { type: "doc", docId: "reference/commands/index", label: "Commands", position: "left" },
        { type: "doc", docId: "troubleshooting", label: "Troubleshooting", position: "left" },
      ],
    },
    docs: { sidebar: { hideable: true } },
    tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 3 },
    prism: {
      theme: light,
      darkTheme: dark,
      additionalLanguages: ["bash", "shell-session", "json", "typescript", "ini"],
    },
  },
};

// Docusaurus asks for it by this name.
export { config as default };
