/** Bounds of attributes that hold back none of what properties draw; content is cut. */
import type { AdmissionSettings } from "../../services/ingest/admission.ts";

export const admissionSettings: Omit<AdmissionSettings, "partitions"> = {
  maxAttributeBytes: 4_096,
  maxAttributes: 1_000,
  keepContent: false,
  contentAttributes: [],
};
