// The console's start: language and theme first, then the session, then the shell.
import { mount } from "svelte";
import App from "./App.svelte";
import "./styles/tokens.css";
import "./styles/elements.css";
import { begin } from "./lib/i18n.svelte";
import { applyTheme } from "./lib/theme.svelte";

applyTheme();
await begin();
const place = document.getElementById("app")!;
place.replaceChildren();
mount(App, { target: place });
