/** Where Trivet is, as whoever reads this reaches it. */
const url = document.baseURI.replace(/\/$/, '');

export interface SnippetText {
  id: string;
  name: string;
  /** What to do, and where it goes. */
  lead: string;
  code: string;
  after?: string;
}

export const SNIPPETS: readonly [SnippetText, ...SnippetText[]] = [
  {
    id: 'plugin',
    name: 'Trivy plugin',
    lead: 'Once per machine, then an output of every scan:',
    code: `trivy plugin install ${url}/trivy-plugin.tar.gz
export TRIVET_URL=${url}
trivy image -f json -o plugin=trivet nginx:1.25`,
    after:
      'With --output-plugin-arg "--fail-on new:critical" the scan fails when it brings a new critical finding.',
  },
  {
    id: 'curl',
    name: 'curl',
    lead: 'Wherever Trivy and curl are:',
    code: `trivy image -f json nginx:1.25 | gzip |
  curl --fail-with-body --data-binary @- -H 'Content-Encoding: gzip' \\
  '${url}/api/scan-results?scanners=vuln,secret'`,
    after: 'The answer tells what is new against the scan before. Add &label=team=payments to find it again.',
  },
  {
    id: 'github',
    name: 'GitHub Action',
    lead: 'Steps of a job, after the image is built:',
    code: `- uses: aquasecurity/trivy-action@master
  with:
    image-ref: \${{ env.IMAGE }}
    format: json
    output: trivy.json
- run: |
    gzip -c trivy.json | curl --fail-with-body --data-binary @- \\
      -H 'Content-Encoding: gzip' \\
      "${url}/api/scan-results?scanners=vuln,secret&label=branch=$GITHUB_REF_NAME"`,
  },
  {
    id: 'gitlab',
    name: 'GitLab CI',
    lead: 'A job of .gitlab-ci.yml:',
    code: `trivy:
  image:
    name: aquasec/trivy:latest
    entrypoint: [""]
  script:
    - trivy image -f json -o trivy.json "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA"
    - apk add --no-cache curl
    - gzip -c trivy.json | curl --fail-with-body --data-binary @-
      -H 'Content-Encoding: gzip'
      "${url}/api/scan-results?scanners=vuln,secret&label=branch=$CI_COMMIT_REF_NAME"`,
  },
  {
    id: 'operator',
    name: 'Trivy Operator',
    lead: 'Values of its Helm chart; name the cluster:',
    code: `operator:
  webhookBroadcastURL: "${url}/api/scan-results?cluster=production"
  webhookBroadcastTimeout: 30s`,
    after: 'Reports of the same image from many pods belong to one artifact, which lists the workloads.',
  },
  {
    id: 'import',
    name: 'Import',
    lead: 'Report files and folders that are there already, from a clone of Trivet:',
    code: `TRIVET_URL=${url} npm run import -- reports/`,
  },
];
