/**
 * PivotRootDemo as the pages of the tutorial have it. It is loaded by the pages that show it and no
 * others, and takes the site's light or dark from `data-theme` of the page.
 */

import type { PivotRootDemoProps } from "pivot-web";
import { lazy, Suspense } from "react";
import "pivot-web/styles.css";

const Demo = lazy(async () => ({ default: (await import("pivot-web")).PivotRootDemo }));

export function Lesson(props: PivotRootDemoProps) {
  return (
    <div className="lesson">
      <noscript>
        <p>
          Here is a lesson to step through, which is computed in this page: it needs JavaScript. In
          a terminal <code>pivot mountns</code> takes the same commands, and says the same of them.
        </p>
      </noscript>
      <Suspense fallback={<p className="lesson-comes">Loading the lesson…</p>}>
        <Demo heading="h3" {...props} />
      </Suspense>
    </div>
  );
}
