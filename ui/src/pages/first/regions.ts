// Countries, states and cantons whose public holidays praxisd knows, and the time zones people choose from.
import { t } from "../../lib/i18n.svelte";

const PARTS = {
  DE: "BB BE BW BY HB HE HH MV NI NW RP SH SL SN ST TH",
  AT: "1 2 3 4 5 6 7 8 9",
  CH: "AG AI AR BE BL BS FR GE GL GR JU LU NE NW OW SG SH SO SZ TG TI UR VD VS ZG ZH",
} as const;
export type Country = keyof typeof PARTS;
export const COUNTRIES = Object.keys(PARTS) as Country[];
export const HOME: Record<Country, string> = { DE: "Europe/Berlin", AT: "Europe/Vienna", CH: "Europe/Zurich" };

/** States or cantons of a country, in the order of their names. */
export function regions(country: Country): { value: string; label: string }[] {
  return PARTS[country]
    .split(" ")
    .map((part) => ({ value: `${country}-${part}`, label: t(`console.region.${country}-${part}`) }))
    .sort((a, b) => a.label.localeCompare(b.label));
}

/** The zone this browser is set to; Berlin where it does not say. */
export function guessedZone(): string {
  const found = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return found?.includes("/") && !found.startsWith("Etc/") ? found : HOME.DE;
}

/** The country that zone most likely means. */
export const countryOf = (zone: string): Country => COUNTRIES.find((one) => HOME[one] === zone) ?? "DE";

/** Zones to choose from: those of our countries first, then Europe's, then `also`. */
export function zones(also: string): string[] {
  const europe = Intl.supportedValuesOf("timeZone").filter((one) => one.startsWith("Europe/"));
  return [...new Set([...Object.values(HOME), also, ...europe])];
}
