// The rules of a new password as the server has them (services/accounts/rules.py), to be seen while typing.
const LEAST = 12;
const MOST = 256;
const DIFFERENT = 5;

export interface Rule {
  key: "rule_length" | "rule_plain" | "rule_login";
  met: boolean;
}

const plain = (text: string) => text.normalize("NFKC");
const same = (text: string) => plain(text).trim().toLowerCase();

/** Each rule, and whether this password meets it. */
export function rules(password: string, login: string): Rule[] {
  const letters = [...plain(password)];
  return [
    { key: "rule_length", met: letters.length >= LEAST && letters.length <= MOST },
    { key: "rule_plain", met: new Set(letters).size >= DIFFERENT },
    { key: "rule_login", met: password !== "" && same(password) !== same(login) },
  ];
}

/** True for a user name the server takes. */
export const goodLogin = (login: string) => /^[\p{L}\p{N}_.@+-]{2,64}$/u.test(plain(login).trim());
