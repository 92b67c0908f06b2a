import type * as en from '../en'
import { josa } from '../josa'

export const importing: typeof en.importing = {
  open: '파일 시스템으로 이미지 만들기…',
  title: '파일 시스템으로 이미지 만들기',
  text: '폴더나 tar 안의 파일 전부가 레이어 하나가 돼요. Dockerfile 없이 이미지를 처음부터 만드는 길이에요.',
  from: '폴더나 tar',
  fromHelp: '절대 경로를 쓰세요. tar는 gzip이나 zstd로 압축한 것도 돼요. 소유자와 권한은 그대로 남아요.',
  debootstrap: 'Debian을 처음부터 만들려면',
  debootstrapText: '터미널에서 이 명령을 실행하면 작은 Debian 시스템이 폴더에 생겨요. 그다음 그 폴더를 위에 쓰세요.',
  changes: '설정',
  changesHelp: 'CMD, ENV, WORKDIR 같은 Dockerfile 명령을 한 줄에 하나씩 써요. 비워도 돼요.',
  verb: '이미지 만들기',
  doing: '파일을 읽어 레이어를 만드는 중이에요…',
  canceled: '취소했어요. 이미지는 만들지 않았어요.',
  done: (name) => `${josa(name, '을/를')} 만들었어요`,
}

export const verify: typeof en.verify = {
  open: '서명 확인하기…',
  title: (name) => `${name}의 서명 확인하기`,
  text: '레지스트리에 있는 cosign 서명을 받아, 아래 공개 키로 바로 이 이미지에 서명했는지 여기에서 계산해요.',
  name: '이름',
  nameHelp: '서명은 이 이름의 레지스트리에 물어봐요.',
  key: '공개 키 (PEM)',
  keyHelp: '서명한 사람에게 받은 cosign.pub 파일의 내용이에요.',
  keyFirst: '공개 키를 먼저 붙여 넣으세요',
  nameFirst: '이름이 없는 이미지는 어느 레지스트리에 물어볼지 알 수 없어요',
  verb: '확인하기',
  asking: '확인하는 중이에요…',
  good: '이 키로 서명한 이미지가 맞아요',
  bad: '이 키로 서명한 이미지가 아니에요',
  none: '레지스트리에 이 이미지의 서명이 없어요',
  here: '여기 있는 이미지',
  there: '레지스트리에 있는 이미지',
  verdicts: {
    valid: '이 키로 이 이미지에 서명했어요',
    wrongKey: '다른 키로 서명했거나 서명이 바뀌었어요',
    otherContent: '이 키로 서명했지만 다른 이미지예요',
  },
}
