import type * as en from '../en'
import { josa } from '../josa'

export const newProject: typeof en.newProject = {
  title: '새 프로젝트',
  folder: '폴더',
  folderHelp: '절대 경로를 쓰세요. 없는 폴더는 만들어요.',
  name: '이름',
  nameHelp: '나만 보는 이름이에요. 비우면 폴더 이름을 써요.',
  dockerfile: 'Dockerfile',
  dockerfileHelp: '폴더에서 시작하는 경로예요.',
  found: (names) => `이미 Dockerfile이 있어요: ${names}. 그대로 열게요.`,
  fits: (file) => `폴더에 ${josa(file, '이/가')} 있어서 이게 맞아 보여요:`,
  start: '시작할 틀',
  begin: '만들기',
  templates: { empty: '빈 파일', node: 'Node.js', python: 'Python', rust: 'Rust', go: 'Go', java: 'Java', static: '정적 사이트' },
  templateHelp: {
    empty: 'FROM과 CMD만 있어요.',
    node: '코드보다 패키지를 먼저 설치해서, 코드를 고쳐도 다시 설치하지 않아요.',
    python: '코드보다 패키지를 먼저 설치하고, pip 캐시를 다음 빌드에도 써요.',
    rust: '두 단계예요. 컴파일러는 두고 프로그램만 가져가요.',
    go: '두 단계예요. 빈 이미지에 프로그램 하나만 남아요.',
    java: '두 단계예요. JDK로 빌드하고 더 작은 JRE로 실행해요.',
    static: 'public/ 폴더의 페이지를 nginx가 보여 줘요.',
  },
  exampleFiles: '빈 폴더에는 예제 파일도 만들어요. 있는 파일은 덮어쓰지 않아요.',
}

export const buildSettings: typeof en.buildSettings = {
  title: '빌드 설정',
  name: '프로젝트 이름',
  tag: '이미지 이름',
  tagHelp: '예: shop-api:dev. 비우면 이름 없는 이미지가 돼요.',
  target: '빌드할 단계',
  targetHelp: '고르지 않으면 마지막 단계예요.',
  lastStage: '마지막 단계',
  platform: '플랫폼',
  platformHelp: '바탕 이미지의 플랫폼이에요. 비우면 이 컴퓨터의 것을 써요.',
  arguments: '인자',
  argumentsHelp: 'ARG에 줄 값이에요. 이미지 기록에서 보이니 비밀을 넣지 마세요.',
  offline: '네트워크 없이',
  offlineHelp: '빌드하는 동안 명령이 밖에 닿지 못해요.',
  noCache: '모든 단계 다시 실행',
  noCacheHelp: '캐시를 쓰지 않고 새로 채우기만 해요.',
  pull: '새 바탕 이미지 확인',
  pullHelp: '이미지가 있어도 레지스트리에 물어봐요.',
  save: '저장',
}
