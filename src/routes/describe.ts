import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FastifySchema } from 'fastify';
import type { TSchema } from 'typebox';
import * as schemas from '../schemas.ts';
import type { App } from './app_types.ts';

/** Schemas that the description names once and refers to everywhere else; the largest first. */
const NAMED = {
  Scan: schemas.Scan,
  Artifact: schemas.Artifact,
  ArtifactSummary: schemas.ArtifactSummary,
  LatestScans: schemas.LatestScans,
  ScanSummary: schemas.ScanSummary,
  ArtifactReference: schemas.ArtifactReference,
  Repository: schemas.Repository,
  Vulnerability: schemas.Vulnerability,
  VulnerabilityDetail: schemas.VulnerabilityDetail,
  Finding: schemas.Finding,
  ScanFinding: schemas.ScanFinding,
  Misconfiguration: schemas.Misconfiguration,
  Secret: schemas.Secret,
  License: schemas.License,
  Suppressed: schemas.Suppressed,
  DiffItem: schemas.DiffItem,
  Summary: schemas.Summary,
  Upload: schemas.Upload,
  Changes: schemas.Changes,
  SeverityCounts: schemas.SeverityCounts,
  SeverityDifferences: schemas.SeverityDifferences,
  Problem: schemas.Problem,
} as const satisfies Record<string, TSchema>;

const NAME_BY_TEXT = new Map(Object.entries(NAMED).map(([name, schema]) => [textOf(schema), name]));

/** `/openapi.json` describes every call that is declared after this, `/docs` shows it. */
export async function describe(app: App, version: string): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Trivet',
        version,
        description: 'The home for Trivy scan results.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
    },
    transform({ schema, url, route }) {
      const body = route.config?.body;
      return { url, schema: body ? { ...schema, body } : (schema as FastifySchema) };
    },
  });
  let description: object | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, async () => {
    description ??= withNames(app.swagger());
    return description;
  });
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    // Served over http too, and asking nobody else.
    transformStaticCSP: (header) =>
      header.replace(' validator.swagger.io', '').replace(' upgrade-insecure-requests;', ''),
    uiConfig: { docExpansion: 'none', tryItOutEnabled: false },
  });
}

function withNames(description: object): object {
  const named = Object.entries(NAMED).map(([name, schema]) => [name, refer(schema, name)]);
  return { ...(refer(description) as object), components: { schemas: Object.fromEntries(named) } };
}

/** Puts a reference in the place of each schema that has a name. @param self is described and not referred to */
function refer(value: unknown, self?: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => refer(item));
  const name = NAME_BY_TEXT.get(textOf(value));
  if (name !== undefined && name !== self) return { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(Object.entries(plain(value)).map(([key, item]) => [key, refer(item)]));
}

/** The same for equal schemas, in whatever order they are written. */
function textOf(schema: object): string {
  return JSON.stringify(schema, (_key, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(plain(value)).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** A map from any text, as descriptions of OpenAPI say it. */
function plain(schema: object): object {
  const { patternProperties, ...others } = schema as { patternProperties?: object };
  const [values] = Object.values(patternProperties ?? {});
  return values === undefined ? schema : { ...others, additionalProperties: values };
}
