import { Button, Tabs, Textarea } from '@mantine/core';
import { type DragEvent, useRef, useState } from 'react';
import { Link } from 'wouter';
import { Icon } from '../components/Icon.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { UploadList } from '../components/UploadList.tsx';
import { useUploads } from '../uploads.ts';
import classes from './AddResults.module.css';
import { Arrivals } from './Arrivals.tsx';
import { Snippet } from './Snippet.tsx';
import { SNIPPETS } from './snippets.ts';

/** How results come in: here by hand, and for good by a line in the pipeline. */
export function AddResults() {
  const { uploads, add } = useUploads();
  return (
    <Page
      title="Add results"
      lead="Reports of Trivy in JSON, from the command line or the operator, gzipped or not."
    >
      <div className={classes.columns}>
        <div>
          <DropZone onFiles={add} />
          <Paste onText={(text) => add([new File([text], 'Pasted report', { type: 'application/json' })])} />
          <UploadList uploads={uploads} />
        </div>
        <div>
          <Panel title="From a pipeline">
            <Tabs defaultValue={SNIPPETS[0].id} keepMounted={false} className={classes.snippets}>
              <Tabs.List aria-label="Ways to send results">
                {SNIPPETS.map(({ id, name }) => (
                  <Tabs.Tab key={id} value={id}>
                    {name}
                  </Tabs.Tab>
                ))}
              </Tabs.List>
              {SNIPPETS.map((snippet) => (
                <Tabs.Panel key={snippet.id} value={snippet.id}>
                  <Snippet {...snippet} />
                </Tabs.Panel>
              ))}
            </Tabs>
          </Panel>
          <Arrivals />
          <p>
            Refused, or not sure? <Link href="/scans?show=uploads">All that was sent lately</Link>
          </p>
        </div>
      </div>
    </Page>
  );
}

function DropZone({ onFiles }: { onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button in it does the same for the keyboard.
    <div
      className={classes.drop}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Icon name="add" size={28} />
      <strong>Drop report files here</strong>
      <Button variant="default" onClick={() => input.current?.click()}>
        Choose files
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Report files"
        accept=".json,.gz,application/json,application/gzip"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}

function Paste({ onText }: { onText: (text: string) => void }) {
  const [text, setText] = useState('');
  return (
    <form
      className={classes.paste}
      onSubmit={(event) => {
        event.preventDefault();
        onText(text);
        setText('');
      }}
    >
      <Textarea
        label="Or paste a report"
        placeholder='{"SchemaVersion": 2, "ArtifactName": …'
        rows={4}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        spellCheck={false}
      />
      <Button type="submit" size="xs" disabled={text.trim() === ''}>
        Send
      </Button>
    </form>
  );
}
