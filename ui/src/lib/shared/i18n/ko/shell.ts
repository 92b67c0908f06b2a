import type * as en from '../en'
import { josa } from '../josa'

export const pages: typeof en.pages = { home: '홈', containers: '컨테이너', images: '이미지', builds: '빌드', volumes: '볼륨', networks: '네트워크', activity: '활동', settings: '설정' }

export const common: typeof en.common = {
  actions: '동작',
  cancel: '취소',
  choose: (name) => `${name} 선택`,
  clear: '선택 해제',
  clearFilter: '모두 보기',
  close: '닫기',
  code: '코드',
  copied: '복사됨',
  copy: '복사',
  copyDigest: '다이제스트 복사',
  details: '자세히',
  more: '더 보기',
  retry: '다시 시도',
}

export const units: typeof en.units = {
  second: '초',
  seconds: (n) => `${n}초`,
  minutes: (n) => `${n}분`,
  hours: (h, m) => (m === 0 ? `${h}시간` : `${h}시간 ${m}분`),
  days: (n) => `${n}일`,
  cores: (n) => `${Number(n.toFixed(2))}코어`,
}

export const shell: typeof en.shell = {
  rail: '주 메뉴',
  find: '찾기·명령',
  memory: '메모리',
  engine: { running: '엔진 실행 중', pending: '엔진 시작 중', failed: '엔진 연결 안 됨' },
  asOf: (time) => `${time} 기준`,
  warnings: (n) => `알아둘 것 ${n}개`,
}

export const palette: typeof en.palette = {
  placeholder: '컨테이너, 이미지, 또는 할 일',
  results: '결과',
  none: '그런 이름은 없어요.',
  selected: '선택한 것',
  commands: '명령',
  go: (page) => `${josa(page, '으로/로')} 가기`,
}

export const keys: typeof en.keys = {
  sheet: '모든 키',
  everywhere: '어디서나',
  inList: '목록에서',
  palette: '찾기·명령',
  search: '검색',
  previousTab: '이전 탭',
  nextTab: '다음 탭',
  list: '목록 보이기·숨기기',
  inspector: '속 들여다보기 열고 닫기',
  back: '목록으로',
  down: '아래로',
  up: '위로',
  extendDown: '아래까지 선택',
  extendUp: '위까지 선택',
  first: '처음',
  last: '끝',
  open: '열기',
  all: '모두 선택',
}

export const home: typeof en.home = {
  emptyTitle: '아직 아무것도 자라지 않아요',
  emptyText: '컨테이너는 자기만의 파일, 네트워크, 한도를 보는 보통 프로세스예요. 하나 시작하고 속을 들여다보세요.',
  starter: '첫 이미지',
  starterText: '이 컴퓨터의 busybox로 만들어요',
  offline: '인터넷 없이 돼요',
  imageFacts: (layers, size) => `레이어 ${layers}개 · ${size}`,
  run: '실행하기',
  steps: { image: '이미지 만드는 중', container: '컨테이너 만드는 중', start: '시작 중' },
  machine: '이 컴퓨터',
  ready: (time) => `가상 머신도 계정도 없이 · 엔진 준비 ${time}`,
  jar: {
    process: { title: '내 프로세스', text: '실행하면 여기서 자라요. 멈춰도 병은 남아요.' },
    writable: { title: '쓰기 레이어(writable layer)', text: '바꾼 것은 모두 여기에 쌓여요.' },
    layers: { title: '이미지 레이어', text: '읽기 전용이고, 이 이미지의 컨테이너가 모두 함께 써요.' },
  },
  running: '실행 중',
  attention: '살펴볼 것',
  resting: '쉬는 중',
  of: (n) => `전체 ${n}`,
  engineCost: '엔진 자신',
  more: (n) => `${n}개 더`,
  next: '다음에 할 일',
  nextSteps: {
    readLog: { title: (name) => `${josa(name, '이/가')} 왜 실패했는지 읽기`, text: '마지막 말이 로그에 있어요.' },
    start: { title: (name) => `${name} 시작하기`, text: '만들어 둔 채 기다리고 있어요.' },
    limitMemory: { title: (name) => `${name}에 메모리 한도 주기`, text: '한도가 없으면 이 컴퓨터의 메모리를 다 쓸 수 있어요.' },
    lookInside: { title: (name) => `${josa(name, '이/가')} 어떻게 격리됐는지 보기`, text: '네임스페이스, 권한, 한도를 커널이 말하는 그대로 봐요.' },
    signals: { title: (name) => `${name}에 시그널 보내기`, text: 'PID 1이 어떻게 하는지 지켜봐요.' },
    timeline: { title: (name) => `${name}의 시작 따라가기`, text: '단계마다 왜 있는지, 실제로 얼마나 걸렸는지 봐요.' },
  },
  disk: { title: '디스크', images: '이미지', containers: '쓰기 레이어', volumes: '볼륨', saved: '나눠 써서 아낀 것', free: '남은 공간' },
}

export const inspector: typeof en.inspector = {
  title: '속 들여다보기',
  view: '볼 것',
  close: '속 들여다보기 숨기기',
  tabs: { action: '동작', oci: 'OCI', kernel: '커널' },
  click: '클릭',
  command: '명령',
  kernel: '커널',
  total: (time) => `합계 ${time}`,
  copyCommand: '명령 복사',
  unknown: '알 수 없음',
  noKernelActs: '커널이 할 일은 없었어요.',
  clicked: (verb, subject) => `${subject} · ${verb}`,
  clickedUnknown: (action, subject) => `${subject} · ${action}`,
  measured: '실제로 일어난 호출이고, 시간은 잰 값이에요.',
  nothingYet: '무언가 해 보세요. 같은 일을 하는 명령과 커널이 받은 호출이 여기에 나와요.',
  before: '그전에 한 일',
  chooseObject: '컨테이너나 이미지를 고르면 커널이 아는 사실이 나와요.',
  kernelFacts: '커널이 아는 사실',
  notes: '약해진 것과 그 까닭',
  look: '직접 확인하기',
  spec: 'OCI 명세',
  noSpec: '명세는 처음 시작할 때 써요.',
}

export const actions: typeof en.actions = {
  'container.create': '컨테이너 만들기',
  'container.start': '시작하기',
  'container.stop': '멈추기',
  'container.restart': '다시 시작하기',
  'container.kill': '강제로 끝내기',
  'container.pause': '일시 정지하기',
  'container.unpause': '이어서 하기',
  'container.resume': '이어서 하기',
  'container.remove': '컨테이너 지우기',
  'container.rename': '이름 바꾸기',
  'container.update': '한도 바꾸기',
  'image.pull': '이미지 받기',
  'image.make_starter': '첫 이미지 만들기',
  'image.push': '이미지 올리기',
  'image.save': '이미지를 파일로 저장',
  'image.load': '파일에서 이미지 불러오기',
  'system.prune': '정리하기',
  'image.tag': '이름 붙이기',
  'image.trash': '휴지통에 넣기',
  'image.restore': '휴지통에서 되돌리기',
  'trash.empty': '휴지통 비우기',
  'image.remove': '이미지 지우기',
  'volume.create': '볼륨 만들기',
  'volume.remove': '볼륨 지우기',
}
