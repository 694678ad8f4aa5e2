// Questions to the person: yes or no, with a reason where one is needed.
export interface Question {
  title: string;
  text?: string;
  yes: string;
  /** Where „cancel“ could be mistaken for the deed itself. */
  no?: string;
  danger?: boolean;
  /** Ask for a reason; `needed` refuses an empty one, `choices` are offered. */
  reason?: { label: string; needed?: boolean; choices?: { value: string; label: string }[] };
}

export const asking = $state<{ question: Question | null; answer: (reason: string | null) => void }>({
  question: null,
  answer: () => {},
});

/** Ask; resolves with the reason (empty where none was asked for) or null for no. */
export function confirm(question: Question): Promise<string | null> {
  return new Promise((resolve) => {
    asking.question = question;
    asking.answer = (reason) => {
      asking.question = null;
      resolve(reason);
    };
  });
}
