/** A shape for each kind of propagation, so that colour is never all there is. */

import type { ReactElement } from "react";
import type { PropagationKind } from "../model/words.ts";

const shapes: Readonly<Record<PropagationKind, ReactElement>> = {
  // Two rings, linked: what happens to one happens to the other.
  shared: (
    <>
      <circle cx={5} cy={7} r={4} />
      <circle cx={10} cy={7} r={4} />
    </>
  ),
  // An arrow into a ring: it receives.
  slave: (
    <>
      <circle cx={10} cy={7} r={4} />
      <path d="M0 7H6M4 4.5L6.5 7L4 9.5" />
    </>
  ),
  "shared slave": (
    <>
      <circle cx={8} cy={9} r={4} />
      <circle cx={12} cy={9} r={4} />
      <path d="M0 3H6M4 .5L6.5 3L4 5.5" />
    </>
  ),
  // A closed box.
  private: <rect x={2} y={2} width={10} height={10} rx={2} />,
  unbindable: (
    <>
      <rect x={2} y={2} width={10} height={10} rx={2} />
      <path d="M2.5 11.5L11.5 2.5" />
    </>
  ),
};

export function Glyph({ kind }: { readonly kind: PropagationKind }) {
  return <g className="glyph">{shapes[kind]}</g>;
}

/** The shape beside text. */
export function GlyphIcon({ kind }: { readonly kind: PropagationKind }) {
  return (
    <svg className="glyph-icon" width={17} height={14} viewBox="-0.5 -0.5 17 15" aria-hidden="true">
      <Glyph kind={kind} />
    </svg>
  );
}
