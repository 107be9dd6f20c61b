/** Questions about a lesson: each answer says why it is right or wrong. */

import { useId, useState } from "react";
import type { Answer, Question } from "../lessons/lesson.ts";

/**
 * In the lessons the right answer stands first. Here it can be anywhere, but always in the same
 * place: a page that was rendered by a server must not differ from the browser's.
 */
function inOrder({ ask, answers }: Question): readonly Answer[] {
  const from = ask.length % answers.length;
  return [...answers.slice(from), ...answers.slice(0, from)];
}

function QuestionCard({
  question,
  number,
}: {
  readonly question: Question;
  readonly number: number;
}) {
  const [chosen, setChosen] = useState<number | null>(null);
  const name = useId();
  const answers = inOrder(question);
  const answer = chosen === null ? undefined : answers[chosen];
  return (
    <fieldset className="question">
      <legend>
        {number}. {question.ask}
      </legend>
      {answers.map(({ text, right }, index) => (
        <label
          key={text}
          className={chosen === index ? `answer ${right ? "is-right" : "is-wrong"}` : "answer"}
        >
          <input
            type="radio"
            name={name}
            checked={chosen === index}
            onChange={() => setChosen(index)}
          />
          <span>{text}</span>
        </label>
      ))}
      <p className="verdict" aria-live="polite">
        {answer === undefined ? null : (
          <>
            <strong>{answer.right ? "✓ Right." : "✗ Not so."}</strong> {answer.because}
          </>
        )}
      </p>
    </fieldset>
  );
}

export type QuizProps = {
  readonly questions: readonly Question[];
  readonly heading: "h2" | "h3" | "h4" | "h5";
};

export function Quiz({ questions, heading: Heading }: QuizProps) {
  const title = useId();
  return (
    <section className="quiz" aria-labelledby={title}>
      <Heading id={title}>Do you know?</Heading>
      {questions.map((question, index) => (
        <QuestionCard key={question.ask} question={question} number={index + 1} />
      ))}
    </section>
  );
}
