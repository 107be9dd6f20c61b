/** Colours of code: those of the page of lessons, each with the contrast that WCAG AA wants. */

import type { PrismTheme } from "prism-react-renderer";

type Colours = {
  readonly ground: string;
  readonly ink: string;
  readonly comment: string;
  readonly text: string;
  readonly word: string;
  readonly name: string;
  readonly option: string;
  readonly number: string;
};

const themeOf = (colours: Colours): PrismTheme => ({
  plain: { color: colours.ink, backgroundColor: colours.ground },
  styles: [
    { types: ["comment", "prolog", "output", "info"], style: { color: colours.comment } },
    { types: ["string", "char", "inserted", "attr-value"], style: { color: colours.text } },
    { types: ["keyword", "builtin", "boolean", "tag", "operator"], style: { color: colours.word } },
    { types: ["function", "class-name", "property", "key"], style: { color: colours.name } },
    {
      types: ["parameter", "variable", "environment", "attr-name", "symbol"],
      style: { color: colours.option },
    },
    { types: ["number", "deleted", "constant"], style: { color: colours.number } },
  ],
});

export const light = themeOf({
  ground: "#f3f5f8",
  ink: "#15202b",
  comment: "#4a5868",
  text: "#0e6027",
  word: "#6929c4",
  name: "#0b5fad",
  option: "#8a3800",
  number: "#9f1853",
});

export const dark = themeOf({
  ground: "#19212b",
  ink: "#e8edf3",
  comment: "#aab6c3",
  text: "#6fdc8c",
  word: "#c9a6ff",
  name: "#82b9ff",
  option: "#ffad72",
  number: "#ff8fc0",
});
