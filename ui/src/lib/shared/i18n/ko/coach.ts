import type * as en from '../en'
import { josa } from '../josa'

const list = (names: readonly string[]): string => names.join(', ')

export const coach: typeof en.coach = {
  title: '다이어트·캐시 코치',
  kinds: {
    installFirst: {
      title: '전체를 복사하기 전에 설치하기',
      text: (names) => `지금은 파일을 하나만 고쳐도 모두 다시 설치해요. ${list(names)}만 먼저 복사하면, 이 파일이 바뀌기 전까지 설치 단계는 캐시를 써요.`,
    },
    cacheMount: {
      title: '내려받은 것을 남겨 두기',
      text: ([tool = '', folder = '']) => `이 단계를 실행할 때마다 ${josa(tool, '이/가')} 모두 다시 내려받아요. ${folder}에 캐시 마운트(cache mount)를 두면 다음 빌드에서도 쓰고, 이미지에는 남지 않아요.`,
    },
    cleanUp: {
      title: '쓰고 남은 파일 지우기',
      text: ([folder = '']) => `이 단계의 레이어에 ${josa(folder, '이/가')} 남아요. 같은 단계에서 지워야 이미지가 작아져요.`,
    },
    leaveOut: {
      title: '빌드에서 폴더 빼기',
      text: (names) => `빌드가 ${list(names)}까지 가져가요. 그만큼 오래 걸리고, 그 안의 파일이 바뀌면 복사와 그 뒤의 단계를 다시 실행해요.`,
    },
  },
  line: (n) => `${n}번째 줄`,
  lastTook: (time) => `지난번에 ${time} 걸림`,
  tooMany: (size, files) => `파일 ${files}개, ${size}`,
  change: '바뀌는 부분',
  gone: '빠짐:',
  come: '추가:',
  apply: '적용하기',
  measure: '둘 다 빌드해서 재기',
  measuring: '둘 다 빌드하는 중…',
  busy: '한 번에 하나만 잴 수 있어요',
  before: '지금',
  after: '제안',
  image: '이미지',
  again: '파일을 고친 뒤 다시 빌드',
  anew: '모든 단계를 새로 실행',
}
