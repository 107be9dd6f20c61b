/** Questions about a lesson: each answer says why it is right or wrong. */

import { useId, useState } from "react";
import type { Question } from "../lessons/lesson.ts";

function QuestionCard({
  question,
  number,
}: {
  readonly question: Question;
  readonly number: number;
}) {
  const [chosen, setChosen] = useState<number | null>(null);
  const name = useId();
  const answer = chosen === null ? undefined : question.answers[chosen];
  return (
    <fieldset className="question">
      <legend>
        {number}. {question.ask}
      </legend>
      {question.answers.map(({ text, right }, index) => (
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

export function Quiz({ questions }: { readonly questions: readonly Question[] }) {
  return (
    <section className="quiz" aria-labelledby="quiz-title">
      <h2 id="quiz-title">Do you know?</h2>
      {questions.map((question, index) => (
        <QuestionCard key={question.ask} question={question} number={index + 1} />
      ))}
    </section>
  );
}
