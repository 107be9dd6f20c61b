// Another site, as the tests have it: a page that was rendered by a server and has the component in it.

import { hydrateRoot } from "react-dom/client";
import { PivotRootDemo } from "../src/index.ts";

const place = document.getElementById("site");
if (place === null) throw new Error("there is no #site");
hydrateRoot(place, <PivotRootDemo lesson="chroot" step={2} leftOut={[5]} theme="light" quiz />);
