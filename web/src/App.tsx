/** The page: lessons, playground, traces and live trees, each with an address. */

import { useCallback, useEffect, useMemo, useState } from "react";
import { findLesson, lessons } from "./lessons/all.ts";
import { type Address, readAddress, writeAddress } from "./model/address.ts";
import { LessonView } from "./parts/LessonView.tsx";
import { LiveView } from "./parts/LiveView.tsx";
import { PlaygroundView } from "./parts/PlaygroundView.tsx";
import { TraceView } from "./parts/TraceView.tsx";
import { useTheme } from "./parts/theme.ts";

type Page = { readonly id: string; readonly title: string };

const pagesOf = (served: boolean): readonly Page[] => [
  ...lessons.map(({ id, short }) => ({ id, title: short })),
  { id: "playground", title: "Playground" },
  { id: "trace", title: "Open a trace" },
  ...(served ? [{ id: "live", title: "This machine" }] : []),
];

/** The address in the bar. Steps replace it, so that “back” leads out of a lesson at once. */
function useAddress(): [Address, (next: Address) => void] {
  const [address, setAddress] = useState(() => readAddress(location.hash));
  useEffect(() => {
    const listen = (): void => setAddress(readAddress(location.hash));
    window.addEventListener("hashchange", listen);
    return () => window.removeEventListener("hashchange", listen);
  }, []);
  const go = useCallback((next: Address) => {
    history.replaceState(null, "", writeAddress(next));
    setAddress(next);
  }, []);
  return [address, go];
}

/** What comes after a lesson: the next one, and the playground after the last. */
function nextTo(id: string): { href: string; title: string; onGo: () => void } {
  const next = lessons[lessons.findIndex((lesson) => lesson.id === id) + 1];
  const { id: page, title } = next ?? { id: "playground", title: "Playground" };
  return { href: writeAddress({ page, step: 0, leftOut: [] }), title, onGo: toTheTop };
}

/** Who comes from the end of one page begins at the beginning of the next. */
function toTheTop(): void {
  window.scrollTo(0, 0);
  document.getElementById("content")?.focus({ preventScroll: true });
}

function Content({
  address,
  go,
}: {
  readonly address: Address;
  readonly go: (next: Address) => void;
}) {
  const { page, step } = address;
  const leftOut = useMemo(() => new Set(address.leftOut), [address.leftOut]);
  const onStep = useCallback((next: number) => go({ ...address, step: next }), [go, address]);
  switch (page) {
    case "playground":
      return <PlaygroundView />;
    case "trace":
      return <TraceView />;
    case "live":
      return <LiveView />;
    default: {
      const lesson = findLesson(page) ?? lessons[0];
      if (lesson === undefined) return null;
      return (
        <LessonView
          key={lesson.id}
          lesson={lesson}
          step={step}
          leftOut={leftOut}
          onStep={onStep}
          onLeftOut={(next) => go({ ...address, leftOut: [...next].sort((a, b) => a - b) })}
          everywhere
          next={nextTo(lesson.id)}
        />
      );
    }
  }
}

export function App({ served }: { readonly served: boolean }) {
  const [wanted, go] = useAddress();
  const [theme, nextTheme] = useTheme();
  const pages = pagesOf(served);
  const current = pages.find(({ id }) => id === wanted.page) ?? pages[0];
  const address = { ...wanted, page: current?.id ?? "" };
  useEffect(() => {
    document.title = `${current?.title ?? "Lessons"} · pivot`;
  }, [current?.title]);
  return (
    <div className="pivot-page is-whole">
      <a
        className="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        To the content
      </a>
      <header className="page-head">
        <p className="brand">
          <span aria-hidden="true">⌂</span> pivot{" "}
          <span className="brand-sub">mounts, step by step</span>
        </p>
        <button type="button" onClick={nextTheme}>
          Theme: {theme}
        </button>
      </header>
      <nav className="pages" aria-label="Lessons">
        <ol>
          {pages.map(({ id, title }) => (
            <li key={id}>
              <a href={`#${id}`} aria-current={id === current?.id ? "page" : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ol>
      </nav>
      <main id="content" tabIndex={-1}>
        <Content address={address} go={go} />
      </main>
      <footer className="page-foot">
        <p>
          Lessons and playground are computed by the simulator that <code>pivot mountns</code> runs
          too, and that is held against a real kernel. Every step has an address: copy it from the
          bar.
        </p>
      </footer>
    </div>
  );
}
