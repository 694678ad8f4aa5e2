// The questions of the form that nobody can measure: asked once, kept with the name of who answered.
import { put } from "../../lib/api";

export interface Question {
  question: string;
  title: string;
  help: string;
  kind: "text" | "lines" | "choice";
  choices: { value: string; label: string }[];
  /** The form lacks something without an answer. */
  needed: boolean;
  value: string;
  by: string;
  at: string | null;
}
export interface Answers {
  answers: Question[];
  open: number;
}
export const answer = (question: string, value: string) => put<Answers>(`/backups/answers/${encodeURIComponent(question)}`, { value });
export const answerWords = (one: Question) => one.choices.find((each) => each.value === one.value)?.label ?? one.value;
