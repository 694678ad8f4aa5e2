// What the pages of data exchange share.
import { has, t } from "../../lib/i18n.svelte";

export const x = (key: string, params: Record<string, string | number> = {}) => t(`console.exchange.${key}`, params);
/** The word for a code of the server, or the code itself where there is none. */
export const word = (kind: string, code: string) => (has(`console.exchange.${kind}.${code}`) ? x(`${kind}.${code}`) : code);
/** What starts or goes on elsewhere and concerns these pages. */
export const OURS = /^(takeover|export|device|loan|laptop|conflict|exchange|run\.|reset)/;
