/** Where the page begins. */

import "./styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { servedAttribute } from "../../src/learn/live.ts";
import { App } from "./App.tsx";

const place = document.getElementById("page");
if (place === null) throw new Error("index.html has no element #page");
const served = document.documentElement.getAttribute(servedAttribute) === "learn";
createRoot(place).render(
  <StrictMode>
    <App served={served} />
  </StrictMode>,
);
