/** Play, pause, one step back or forth, any step: by buttons, a scrubber, and keys. */

import { type KeyboardEvent, type ReactNode, useEffect, useState } from "react";

export type PlayerProps = {
  /** How many steps there are; 0 is the beginning. */
  readonly last: number;
  readonly step: number;
  readonly onStep: (step: number) => void;
  /** What this step is, for screen readers. */
  readonly said: string;
  /** Keys work wherever the focus is, and not only within. */
  readonly everywhere?: boolean;
  readonly children: ReactNode;
};

/** Milliseconds that a step is shown for. */
const pace = 2600;

/** Keys belong to what they are typed into; a switch knows but the space bar. */
const takesKeys = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

/** Space presses buttons and unfolds what is folded. */
const takesSpace = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest("button, summary, a, input") !== null;

type Key = Pick<globalThis.KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey" | "target">;

function usePlay(last: number, step: number, onStep: (step: number) => void) {
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    if (step >= last) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => onStep(step + 1), pace);
    return () => clearTimeout(timer);
  }, [playing, step, last, onStep]);
  const toggle = (): void => {
    if (!playing && step >= last) onStep(0);
    setPlaying(!playing);
  };
  return { playing, toggle, pause: () => setPlaying(false) };
}

const icons = {
  first: "M3 3V13M13 3L5 8L13 13Z",
  back: "M11 3L4 8L11 13Z",
  next: "M5 3L12 8L5 13Z",
  last: "M13 3V13M3 3L11 8L3 13Z",
} as const;

function Icon({ name }: { readonly name: keyof typeof icons }) {
  return (
    <svg className="icon" width={16} height={16} viewBox="0 0 16 16" aria-hidden="true">
      <path d={icons[name]} />
    </svg>
  );
}

export function Player({ last, step, onStep, said, everywhere = false, children }: PlayerProps) {
  const { playing, toggle, pause } = usePlay(last, step, onStep);
  const go = (to: number): void => {
    pause();
    onStep(Math.min(last, Math.max(0, to)));
  };
  /** @returns whether the key was one of ours */
  const onKey = ({ key, altKey, ctrlKey, metaKey, target }: Key): boolean => {
    if (altKey || ctrlKey || metaKey || takesKeys(target)) return false;
    switch (key) {
      case "ArrowLeft":
        go(step - 1);
        return true;
      case "ArrowRight":
        go(step + 1);
        return true;
      case "Home":
        go(0);
        return true;
      case "End":
        go(last);
        return true;
      case " ":
        if (takesSpace(target)) return false;
        toggle();
        return true;
      default:
        return false;
    }
  };
  useEffect(() => {
    if (!everywhere) return;
    const listen = (event: globalThis.KeyboardEvent): void => {
      if (!event.defaultPrevented && onKey(event)) event.preventDefault();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  });
  const own = everywhere
    ? {}
    : {
        onKeyDown: (event: KeyboardEvent) => {
          if (onKey(event)) event.preventDefault();
        },
      };
  return (
    <section className="player" aria-label="Steps" {...own}>
      {children}
      <div className="controls" role="group" aria-label="Playback">
        <button
          type="button"
          onClick={() => go(0)}
          disabled={step === 0}
          aria-label="To the beginning"
        >
          <Icon name="first" />
        </button>
        <button
          type="button"
          onClick={() => go(step - 1)}
          disabled={step === 0}
          aria-label="Step back"
        >
          <Icon name="back" />
        </button>
        <button type="button" className="play" onClick={toggle} disabled={last === 0}>
          {playing ? "Pause" : "Play"}
        </button>
        <button
          type="button"
          onClick={() => go(step + 1)}
          disabled={step >= last}
          aria-label="Next step"
        >
          <Icon name="next" />
        </button>
        <button
          type="button"
          onClick={() => go(last)}
          disabled={step >= last}
          aria-label="To the end"
        >
          <Icon name="last" />
        </button>
        <input
          type="range"
          min={0}
          max={last}
          value={step}
          aria-label="Step"
          aria-valuetext={`${step} of ${last}`}
          onChange={({ target }) => go(Number(target.value))}
        />
        <span className="counter">
          {step}/{last}
        </span>
      </div>
      <p role="status" className="visually-hidden">
        {said}
      </p>
    </section>
  );
}

export function Keys() {
  return (
    <details className="keys">
      <summary>Keys</summary>
      <dl>
        <dt>
          <kbd>←</kbd> <kbd>→</kbd>
        </dt>
        <dd>step back, next step</dd>
        <dt>
          <kbd>Home</kbd> <kbd>End</kbd>
        </dt>
        <dd>to the beginning, to the end</dd>
        <dt>
          <kbd>Space</kbd>
        </dt>
        <dd>play, pause</dd>
        <dt>
          <kbd>Tab</kbd>
        </dt>
        <dd>through steps, switches and peer groups</dd>
      </dl>
    </details>
  );
}
