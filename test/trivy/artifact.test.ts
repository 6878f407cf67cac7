import { describe, expect, test } from 'vitest';
import { parseScan, refusal, report, resource, result } from './samples.ts';

const digest = `sha256:${'b'.repeat(64)}`;

describe('image', () => {
  test('the name is Metadata.Reference before ArtifactName before RepoTags[0]', () => {
    const Metadata = { Reference: 'docker.io/library/one:1', RepoTags: ['three:3'] };
    expect(parseScan(report({ ArtifactName: 'two:2', Metadata })).artifact).toMatchObject({
      type: 'image',
      name: 'one:1',
      repository: 'one',
      version: '1',
    });
    expect(
      parseScan(report({ ArtifactName: 'two:2', Metadata: { RepoTags: ['three:3'] } })).artifact.name,
    ).toBe('two:2');
  });

  test.each(['/images/app.tar', './app', 'fixtures/app.tar.gz', digest])(
    'ArtifactName %s is no name of an image: RepoTags[0] is taken',
    (ArtifactName) => {
      expect(parseScan(report({ ArtifactName, Metadata: { RepoTags: ['three:3'] } })).artifact.name).toBe(
        'three:3',
      );
      expect(refusal(() => parseScan(report({ ArtifactName, Metadata: {} }))).code).toBe(
        'artifact_name_required',
      );
    },
  );

  test('a digest alone is an artifact of its own; beside a tag it is only the digest of the scan', () => {
    const alone = parseScan(report({ ArtifactName: `nginx@${digest}` }));
    expect(alone.artifact).toMatchObject({ name: `nginx@${digest}`, repository: 'nginx', version: null });
    expect(alone.digest).toBe(digest);
    const tagged = parseScan(report({ ArtifactName: `nginx:1.25@${digest}` }));
    expect(tagged.artifact).toMatchObject({ name: 'nginx:1.25', version: '1.25' });
    expect(tagged.digest).toBe(digest);
  });

  test('the digest is the first of RepoDigests', () => {
    const Metadata = { RepoDigests: [`nginx@${digest}`, `other@sha256:${'c'.repeat(64)}`] };
    expect(parseScan(report({ Metadata })).digest).toBe(digest);
    expect(parseScan(report()).digest).toBeNull();
  });

  test('?artifact= wins over the report and is read like a reference', () => {
    const { artifact } = parseScan(report(), { artifact: 'index.docker.io/library/redis:7' });
    expect(artifact).toMatchObject({ type: 'image', name: 'redis:7', repository: 'redis', version: '7' });
  });

  test('without ArtifactType, image metadata or a name like a reference make it an image', () => {
    const older = report({ ArtifactType: undefined, ArtifactName: undefined });
    expect(parseScan({ ...older, Metadata: { ImageID: digest, RepoTags: ['a:1'] } }).artifact.name).toBe(
      'a:1',
    );
    expect(parseScan({ ArtifactName: 'nginx', Results: [] }).artifact.name).toBe('nginx:latest');
    expect(parseScan({ ArtifactName: '/srv/app', Results: [] }).artifact.type).toBe('filesystem');
  });
});

describe('repository', () => {
  test.each([
    ['https://github.com/acme/app.git', 'https://github.com/acme/app'],
    ['https://user:pass@github.com/acme/app.git', 'https://github.com/acme/app'],
    ['https://token@github.com/acme/app/', 'https://github.com/acme/app'],
    ['https://github.com/acme/app?access_token=s3cret#x', 'https://github.com/acme/app'],
    ['https://us@er:p@ss@example.org/app', 'https://example.org/app'],
    ['git@github.com:acme/app.git', 'git@github.com:acme/app'],
  ])('RepoURL %s is %s', (RepoURL, repository) => {
    const { artifact, metadata } = parseScan(
      report({
        ArtifactType: 'repository',
        ArtifactName: RepoURL,
        Metadata: { RepoURL, Branch: 'main', Commit: 'abc' },
      }),
    );
    expect(artifact).toMatchObject({
      type: 'repository',
      repository,
      version: 'main',
      name: `${repository}@main`,
    });
    expect(JSON.stringify(metadata)).not.toMatch(/pass|token|s3cret|p@ss/);
    expect(metadata).toMatchObject({ commit: 'abc', branch: 'main', repoUrl: repository });
  });

  test('two branches are two artifacts of one repository', () => {
    const scan = (Branch: string) =>
      parseScan(
        report({ ArtifactType: 'repository', Metadata: { RepoURL: 'https://example.org/app', Branch } }),
      ).artifact;
    expect(scan('main').name).not.toBe(scan('next').name);
    expect(scan('main').repository).toBe(scan('next').repository);
  });

  test('without RepoURL the name is ArtifactName', () => {
    const { artifact } = parseScan(
      report({ ArtifactType: 'repository', ArtifactName: 'https://u:p@example.org/app.git' }),
    );
    expect(artifact).toMatchObject({
      name: 'https://example.org/app',
      repository: 'https://example.org/app',
      version: null,
    });
  });

  test('a filesystem report with a RepoURL is a repository', () => {
    const Metadata = { RepoURL: 'https://example.org/app', Branch: 'main' };
    const { artifact } = parseScan(report({ ArtifactType: 'filesystem', ArtifactName: '.', Metadata }));
    expect(artifact).toMatchObject({ type: 'repository', name: 'https://example.org/app@main' });
  });
});

describe('filesystem, sbom, vm', () => {
  test.each([
    ['filesystem', 'filesystem'],
    ['cyclonedx', 'sbom'],
    ['spdx', 'sbom'],
    ['vm', 'vm'],
    ['aws_account', 'filesystem'],
    ['something_newer', 'filesystem'],
  ])('ArtifactType %s is a %s, named by ArtifactName', (ArtifactType, type) => {
    const { artifact } = parseScan(report({ ArtifactType, ArtifactName: './srv/app' }));
    expect(artifact).toMatchObject({ type, name: './srv/app', repository: './srv/app', version: null });
  });

  test.each(['', '.', '..', '/', './', '../..', undefined])(
    'ArtifactName %j says nothing',
    (ArtifactName) => {
      const facts = { ArtifactType: 'filesystem', ArtifactName };
      const refused = refusal(() => parseScan(report(facts)));
      expect(refused).toMatchObject({ status: 422, code: 'artifact_name_required' });
      expect(refused.detail).toContain('/api/scan-results?artifact=');
      expect(parseScan(report(facts), { artifact: 'my-app' }).artifact).toMatchObject({
        type: 'filesystem',
        name: 'my-app',
      });
      expect(refusal(() => parseScan(report(facts), { artifact: '.' })).code).toBe('artifact_name_required');
    },
  );
});

describe('reports without a name', () => {
  test('the advice names what the targets tell', () => {
    expect(refusal(() => parseScan([result()])).detail).toContain("?artifact=nginx:1.25'");
    expect(refusal(() => parseScan(null)).detail).toContain("?artifact=NAME'");
    const archive = [result({ Target: 'a/b.tar.gz (alpine 3.10)' })];
    expect(refusal(() => parseScan(archive)).detail).toContain("?artifact=NAME'");
  });

  test.each([
    ['acme/app:1', 'image', 'acme/app:1'],
    ['https://example.org/app.git', 'repository', 'https://example.org/app'],
    ['./app', 'filesystem', './app'],
    ['my app', 'filesystem', 'my app'],
  ])('?artifact=%s makes a bare list a report about a %s', (artifact, type, name) => {
    expect(parseScan([result()], { artifact }).artifact).toMatchObject({ type, name });
  });
});

describe('kubernetes', () => {
  const k8s = (resources: unknown[]) => ({ ClusterName: 'prod', Resources: resources });
  const entry = { Namespace: 'web', Kind: 'Deployment', Name: 'front', Results: [result()] };

  test('the name is cluster/namespace/kind/name; ?cluster= before ClusterName before default', () => {
    const expected = {
      type: 'kubernetes',
      cluster: 'prod',
      namespace: 'web',
      resourceKind: 'Deployment',
      resourceName: 'front',
    };
    expect(parseScan(k8s([entry])).artifact).toMatchObject({
      ...expected,
      name: 'prod/web/Deployment/front',
    });
    expect(parseScan(k8s([entry]), { cluster: 'test' }).artifact.name).toBe('test/web/Deployment/front');
    expect(parseScan({ ...k8s([entry]), ClusterName: '' }).artifact.name).toBe(
      'default/web/Deployment/front',
    );
  });

  test('what belongs to no namespace has an empty one', () => {
    const { artifact } = parseScan(
      k8s([{ ...entry, Namespace: undefined, Kind: 'ClusterRole', Name: 'a:b' }]),
    );
    expect(artifact).toMatchObject({ name: 'prod//ClusterRole/a:b', namespace: null });
  });

  test('?artifact= applies where all scans are of one artifact', () => {
    const renamed = parseScan(k8s([entry]), { artifact: 'eu/prod/ns/Pod/x' }).artifact;
    expect(renamed).toMatchObject({
      cluster: 'eu/prod',
      namespace: 'ns',
      resourceKind: 'Pod',
      resourceName: 'x',
    });
    const two = k8s([entry, { ...entry, Name: 'back' }]);
    expect(refusal(() => parseScan(two, { artifact: 'a/b/c/d' }))).toMatchObject({
      status: 422,
      code: 'artifact_not_applicable',
    });
    expect(refusal(() => parseScan(k8s([entry]), { artifact: 'nginx' })).code).toBe(
      'artifact_not_applicable',
    );
  });

  test('?artifact= renames an operator report about an image, not one about several', () => {
    const one = resource('VulnerabilityReport', { vulnerabilities: [] });
    expect(parseScan(one, { artifact: 'mirror/nginx:1' }).artifact.name).toBe('mirror/nginx:1');
    const other = resource('VulnerabilityReport', { artifact: { repository: 'acme/other', tag: '1' } });
    expect(refusal(() => parseScan([one, other], { artifact: 'x' })).code).toBe('artifact_not_applicable');
  });
});

test('a name that no index can hold is refused', () => {
  const refused = refusal(() =>
    parseScan(report({ ArtifactType: 'filesystem', ArtifactName: `/${'é'.repeat(1000)}` })),
  );
  expect(refused).toMatchObject({ status: 422, code: 'invalid_report' });
});
