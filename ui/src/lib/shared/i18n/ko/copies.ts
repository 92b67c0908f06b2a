import type * as en from '../en'
import { josa } from '../josa'

export const copies: typeof en.copies = {
  commit: '이미지로 만들기…',
  commitTitle: (name) => `${josa(name, '을/를')} 이미지로 만들기`,
  commitText: '컨테이너가 쓴 것이 레이어 하나가 돼요. 컨테이너는 그대로 있어요.',
  commitVerb: '이미지 만들기',
  committing: '레이어를 만드는 중이에요…',
  nameHelp: '비우면 digest로만 부를 수 있어요.',
  comment: '메모',
  commentHelp: '이미지의 기록에 남아요.',
  keepRunning: '멈추지 않고 만들기',
  keepRunningHelp: '고르지 않으면 서로 맞아야 하는 파일이 어긋나지 않게 잠깐 일시 정지해요.',
  changes: '바꾼 것',
  noChanges: '바꾼 파일이 없어요. 설정 말고는 같은 이미지가 돼요.',
  copying: '복사하는 중이에요…',
  exported: (path) => `${path}에 파일을 내보냈어요`,
  copied: (n, path) => `${n}개를 ${path}에 복사했어요`,
  ways: {
    export: { label: '파일 내보내기…', title: (name) => `${name}의 파일 내보내기`, verb: '내보내기', to: '새 파일', toHelp: '컨테이너가 보는 파일을 모두 담은 tar예요. 레이어와 설정은 들어가지 않아요.' },
    copyOut: { label: '꺼내기…', title: (name) => `${name}에서 꺼내기`, verb: '복사', from: '컨테이너 안의 파일이나 폴더', fromHelp: '링크는 컨테이너 안에서만 따라가요.', to: '이 컴퓨터의 폴더', toHelp: '이미 있는 것은 덮어쓰지 않아요.' },
    copyIn: { label: '넣기…', title: (name) => `${name}에 넣기`, verb: '복사', from: '이 컴퓨터의 파일이나 폴더', fromHelp: '절대 경로를 쓰세요.', to: '컨테이너 안의 폴더', toHelp: '이름이 같은 것은 바꿔 넣어요.' },
  },
}
