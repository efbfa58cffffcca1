/** Who sent: the resource's `service.name` and `service.instance.id`, joined by `/`. */
import { fieldOf } from "../conventions/attributes.ts";
import { type Reading, textIn } from "../conventions/reading.ts";
import { internText, textOf } from "../decode/texts.ts";

const serviceField = fieldOf("service.name");
const instanceField = fieldOf("service.instance.id");

/** Interned; `unknown_service` (the specification's default) where the resource has no name. */
export function senderOfResource(reading: Reading): number {
  const { texts, resource } = reading;
  const named = textIn(reading, resource, serviceField);
  const service = named === 0 ? internText(texts, "unknown_service") : named;
  const instance = textIn(reading, resource, instanceField);
  if (instance === 0) return service;
  return internText(texts, `${textOf(texts, service)}/${textOf(texts, instance)}`);
}
